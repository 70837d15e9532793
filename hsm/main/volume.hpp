// The subcommand of gims-keyd for what cannot read a key from a socket itself.
#pragma once

#include "hsm/main/settings.hpp"

namespace gims::hsm {

// Reads the data volume's key at volume_key_socket, as root, and writes it to stdout, which must be
// a pipe: the key is on no disk and no screen. Fails (unavailable, GIMS_KEYD_STATE)
// where gims-keyd gives none.
[[nodiscard]] Result<> run_volume_key(const Settings& settings);

}  // namespace gims::hsm
