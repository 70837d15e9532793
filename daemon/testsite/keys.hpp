// The keys that gims-keyd would derive, in a file: a test site has nothing to protect.
#pragma once

#include <filesystem>

#include "hsm/proto/messages.hpp"

namespace gims::testsite {

// Reads the file "keys" of the folder; makes it if it is not there.
[[nodiscard]] Result<hsm::DataKeys> load_keys(const std::filesystem::path& folder);

}  // namespace gims::testsite
