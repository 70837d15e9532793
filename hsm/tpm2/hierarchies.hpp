// The TPM's own passwords: who has none of them cannot make, delete or clear anything in it.
#pragma once

#include "hsm/tpm2/use.hpp"

namespace gims::hsm::tpm2 {

// Each follows from the site's hardware secret. The numbers are written into no file, yet TPMs keep
// what came of them: they never change.
enum class Password : std::uint8_t { owner = 1, endorsement = 2, lockout = 3, counter = 4 };
[[nodiscard]] Result<SecretBytes> password(const SecretBytes& hardware_secret, Password which);

// Fails (GIMS_KEYD_CUSTODY) for a TPM with a password already: it belongs to a site.
[[nodiscard]] Result<> check_unowned(const Use& use);

// Sets the authorisation of the three hierarchies where there is none, after the parameters of the
// protection against guessing: a lock-out takes many tries and ends by itself. Where there is one,
// it must be ours: the use goes on with it.
[[nodiscard]] Result<> take_hierarchies(const Use& use, const SecretBytes& hardware_secret);
// Takes them away again, so that the TPM can serve another site.
[[nodiscard]] Result<> release_hierarchies(const Use& use, const SecretBytes& hardware_secret);
// Lets commands of this use be authorised by one of them.
[[nodiscard]] Result<> know(const Use& use, const SecretBytes& hardware_secret, Password which);

}  // namespace gims::hsm::tpm2
