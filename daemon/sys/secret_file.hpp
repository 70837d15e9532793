// Files that hold keys.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gims::sys {

// The whole of a file of at most `most` bytes, without a copy in ordinary memory; a longer one is a
// failure (EFBIG).
[[nodiscard]] Result<SecretBytes> read_secret_file(const std::string& path, std::size_t most);

}  // namespace gims::sys
