// The encryption of the master secret (SLIP-0039, "Encryption of the master secret"): a Feistel
// network of four rounds over its two halves, whose round function is PBKDF2-HMAC-SHA-256 with the
// passphrase. It is a permutation, so every passphrase gives a secret.
#pragma once

#include "hsm/slip39/slip39.hpp"

namespace gims::hsm::slip39 {

// The secret has an even length. Both fail (bad_input, GIMS_SLIP39_PASSPHRASE) for a passphrase of
// more than max_passphrase bytes or with others than printable ASCII.
[[nodiscard]] Result<SecretBytes> encrypt(const SecretBytes& master_secret,
                                          const SecretBytes& passphrase, const SetParameters& set);
[[nodiscard]] Result<SecretBytes> decrypt(const SecretBytes& encrypted,
                                          const SecretBytes& passphrase, const SetParameters& set);

}  // namespace gims::hsm::slip39
