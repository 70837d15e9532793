// The subcommands of gims-keyd that the unit itself runs as it starts.
#pragma once

#include "hsm/main/settings.hpp"

namespace gims::hsm {

// Writes the key of the data volume to stdout, which must be a socket or a pipe: it is on no disk
// and no screen.
[[nodiscard]] Result<> run_volume_key(const Settings& settings);
// This release is good: the hardware opens the keys to no older one any more.
[[nodiscard]] Result<> run_raise_release(const Settings& settings);

}  // namespace gims::hsm
