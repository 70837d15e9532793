// The hash chain of the audit log (store/audit.hpp says what it is for), so that an export can be
// checked where there is no database.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "crypto/hash.hpp"

namespace gims::crypto {

struct AuditLink {
  std::int64_t sequence = 0;
  Millis ts = 0;
  std::string_view actor;
  std::string_view origin;
  std::string_view act;
  std::string_view target;
  std::string_view detail;  // canonical JSON
};

// SHA-256 over
//   "GIMS audit entry 1\n", the hash before (32 zero bytes before the first), sequence, ts,
//   and actor, origin, act, target, detail, each as its length and its bytes;
// integers and lengths are 8 bytes, most significant first. Anyone can compute it; there is no key.
[[nodiscard]] Digest audit_hash(const Digest& before, const AuditLink& entry);

}  // namespace gims::crypto
