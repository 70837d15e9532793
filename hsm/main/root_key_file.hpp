// The root key of a development site, as the command line gives it.
#pragma once

#include <string>

#include "base/secret.hpp"

namespace gims::hsm {

// The key_size bytes of a file; no other memory than the result's sees them. Fails (bad_input,
// GIMS_KEYD_REQUEST) for a file of another size, and with the code of errno where it cannot be
// read.
[[nodiscard]] Result<SecretBytes> read_root_key(const std::string& path);

}  // namespace gims::hsm
