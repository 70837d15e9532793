// A vault whose keys open only when a person is there: "attended". It is put around another.
#pragma once

#include <memory>

#include "hsm/core/vault.hpp"

namespace gims::hsm {

// The root key is split in two, each half of as much use as random bytes: the inner vault seals the
// root key with a random factor added to it (exclusive or), the blob keeps the factor. As long as
// no person is named it keeps it as it is. For each person that is named (Attendance) it keeps the
// factor with a mask added to it, which follows from the person's key: any wrong key gives another
// factor, as good as the right one, and only what the inner vault opens tells which it was. So
// nobody can try passphrases without the hardware.
//
// A MAC under the root key ends the blob. A sealing has a factor of its own, and nobody named.
//
// After open() the factor is held until forget(): a new blob with the same keys needs it, and is
// opened without a person being asked once more. Everything else is as the inner vault has it.
[[nodiscard]] std::unique_ptr<Vault> make_attended_vault(std::unique_ptr<Vault> inner);

}  // namespace gims::hsm
