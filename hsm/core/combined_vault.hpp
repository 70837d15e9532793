// Two vaults of which both are needed: the TPM, for the measured boot, and the HSM, for the keys.
#pragma once

#include <memory>

#include "hsm/core/vault.hpp"

namespace gims::hsm {

// The root key is split in two, each half of as much use as random bytes: `first` holds a random
// pad, `second` the root key with the pad added (exclusive or). The issuing CA's key and the
// one for events are made in `second`; the attestation key, the counter and what is known of
// releases are those of `first`.
//
// The blob holds both vaults' blobs and a MAC under the root key, so that halves of two sites, or
// of two times of one site, do not pass for a whole.
//
// Destroying either half ends the blob; both are destroyed, and it is done when one was.
[[nodiscard]] std::unique_ptr<Vault> make_combined_vault(std::unique_ptr<Vault> first,
                                                         std::unique_ptr<Vault> second);

}  // namespace gims::hsm
