// Keys in files, as openssl writes them.
#pragma once

#include <optional>
#include <string_view>

#include "hsm/ca/p256.hpp"

namespace gims::hsm {

// What is between "-----BEGIN LABEL-----" and its end (RFC 7468), decoded, where the text is not
// longer than `most`. Nothing where there is no such block, or it does not decode. What is around
// it is not looked at. `text` is wiped by whoever holds it.
[[nodiscard]] std::optional<SecretBytes> pem_block(BytesView text, std::string_view label,
                                                   std::size_t most);

// The same of a private key without a passphrase, in either of the forms that openssl writes.
[[nodiscard]] std::optional<SecretBytes> pem_private_key(BytesView text, std::size_t most);

// A private key in DER (RFC 5958, RFC 5915) without a passphrase. Fails (bad_input,
// GIMS_KEYD_REQUEST) for anything else than one of P-256. What was read of it is wiped.
[[nodiscard]] Result<P256Key> p256_from_der(BytesView der);

// The same key as PEM ("PRIVATE KEY", RFC 5958), in locked memory at every step.
[[nodiscard]] Result<SecretBytes> p256_to_pem(const P256Key& key);

}  // namespace gims::hsm
