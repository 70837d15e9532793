// Checking signatures of the two algorithms.
#pragma once

#include <optional>

#include "hsm/approval/administrator.hpp"
#include "hsm/ca/p256.hpp"

namespace gims::hsm::approval {

// Ecdsa-Sig-Value (RFC 3279, section 2.2.3). Nothing for any form but the one that DER has, or
// numbers of more than 256 bits.
[[nodiscard]] std::optional<P256Signature> p256_signature_of(BytesView der);
[[nodiscard]] Bytes der_of(const P256Signature& signature);

// Whether the signature is one over the message, in the form that Assertion::signature says, by the
// administrator's key, which check() took.
[[nodiscard]] bool signed_by(const Administrator& administrator, BytesView message,
                             BytesView signature);

}  // namespace gims::hsm::approval
