// What the TPM states about itself and the unit (core/vault.hpp, Attestor).
#pragma once

#include "hsm/tpm2/hierarchies.hpp"

namespace gims::hsm::tpm2 {

// The attestation key has no authorisation value: whoever reaches the TPM may have it state what is
// true. It signs nothing else.
[[nodiscard]] Result<Attestor::Identity> identity_of(const Use& use, const Blob& blob,
                                                     const SecretBytes& hardware_secret);
[[nodiscard]] Result<Attestor::Quote> quote_by(const Use& use, const Blob& blob,
                                               const Digest& nonce);
// `index` with its authorisation value set.
[[nodiscard]] Result<Attestor::Statement> certify_by(const Use& use, const Blob& blob,
                                                     ESYS_TR index, std::uint16_t size,
                                                     const Digest& statement);
[[nodiscard]] Result<SecretBytes> activate_by(const Use& use, const Blob& blob,
                                              const SecretBytes& hardware_secret,
                                              BytesView credential, BytesView encrypted_secret);

}  // namespace gims::hsm::tpm2
