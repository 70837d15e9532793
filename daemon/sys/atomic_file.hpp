// Files that are either the old or the new, whenever the power goes.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gims::sys {

// Replaces or makes `path` with exactly these bytes and mode: a temporary file in the same folder,
// fsync, rename, fsync of the folder. After success the bytes are on the disk. After a failure the
// temporary file is gone and the old one is as it was, unless it was the folder's fsync that
// failed. A symbolic link at `path` is replaced, not followed.
[[nodiscard]] Result<> write_file_atomically(const std::string& path,
                                             std::span<const std::uint8_t> bytes, mode_t mode);

// The whole of a regular file of at most `most` bytes; a longer one is a failure (EFBIG).
[[nodiscard]] Result<std::vector<std::uint8_t>> read_file(const std::string& path,
                                                          std::size_t most);

// The same for a file with a secret: no other memory than the result's sees its bytes.
[[nodiscard]] Result<SecretBytes> read_secret_file(const std::string& path, std::size_t most);

}  // namespace gims::sys
