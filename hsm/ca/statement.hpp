// What goes into a statement of the hardware (core/vault.hpp, Attestor) as its qualifying data, so
// that whoever verifies it can compute the same.
#pragma once

#include <array>
#include <cstdint>

#include "hsm/ca/sha256.hpp"
#include "hsm/proto/attest_messages.hpp"

namespace gims::hsm {

// With the counter: the audit log's newest entry. SHA-256 over
//   "gims audit head 1\n", sequence (8 bytes, big-endian), hash (32), nonce (32);
// the nonce is zeros in a certificate that is kept, as nobody asked for it.
[[nodiscard]] Digest audit_statement(const AuditHead& head, const AttestNonce& nonce);

// With the release's index. SHA-256 over "gims release 1\n", nonce.
[[nodiscard]] Digest release_statement(const AttestNonce& nonce);

}  // namespace gims::hsm
