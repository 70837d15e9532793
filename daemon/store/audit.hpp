// The audit log: what administrators did. Append-only, and each entry's hash covers the one before,
// so that an entry cannot be changed, taken out or put in without breaking the chain from there on.
// Who holds the whole file could write a new chain: gims-keyd keeps the head, and verify() compares
// with it.
//
// The hash of an entry: crypto/audit_chain.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "crypto/hash.hpp"
#include "sql/connection.hpp"
#include "store/writer.hpp"

namespace gims::store {

struct AuditAct {
  std::string_view actor;   // "@joint.secretary:gims.internal", "uid 0"
  std::string_view origin;  // "gimsctl", an address
  std::string_view act;     // "user.add"
  std::string_view target;  // "@desk.officer:gims.internal"; empty: none
  std::string_view detail;  // a JSON object; stored in canonical form
};

// The last entry. A chain that is empty has sequence 0 and a hash of zeros.
struct AuditHead {
  std::int64_t sequence = 0;
  crypto::Digest hash{};
  bool operator==(const AuditHead&) const = default;
};

// In the transaction of the act itself: either both are stored or neither is. Publishes
// AuditAppended.
[[nodiscard]] Result<> append_audit(Transaction& transaction, const AuditAct& act);

[[nodiscard]] Result<AuditHead> audit_head(sql::Connection& connection);

enum class AuditFault {
  changed,   // the entry, or its hash, is not what was written (or the entry before it is not)
  removed,   // the number is missing, and later ones are there
  cut_off,   // the log ends before the expected head
  replaced,  // every hash fits, and the expected head is not among them: a chain written anew
};

struct AuditVerdict {
  AuditHead head;  // of what is there
  std::optional<AuditFault> fault;
  std::int64_t sequence = 0;  // of the first entry that is bad or missing
};

// Walks the whole chain. `expected`: the head as gims-keyd knows it; the log may have gone on
// since.
[[nodiscard]] Result<AuditVerdict> verify_audit(sql::Connection& connection,
                                                const std::optional<AuditHead>& expected);

// "entry 12 was changed" and so on; "the log is whole: 40 entries".
[[nodiscard]] std::string describe(const AuditVerdict& verdict);

}  // namespace gims::store
