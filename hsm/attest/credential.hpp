// TPM2_MakeCredential in software (TPM 2.0 library part 1, section 24): a secret that opens only in
// the TPM that has the endorsement key, and there only beside the attestation key of a name.
#pragma once

#include "base/secret.hpp"
#include "hsm/attest/structures.hpp"
#include "hsm/proto/attest_messages.hpp"

namespace gims::hsm::attest {

// As long as the name algorithm's digest, the most that a credential holds.
inline constexpr std::size_t challenge_secret_size = 32;

// `attestation_key_name` is name_of(). Fails (bad_input, GIMS_ATTEST) for an endorsement key that
// is none, or a secret of another size.
[[nodiscard]] Result<ActivateRequest> make_credential(const PublicKey& endorsement_key,
                                                      BytesView attestation_key_name,
                                                      const SecretBytes& secret);

}  // namespace gims::hsm::attest
