// What keys of every daemon's configuration may hold, where the system decides it.
#pragma once

#include <string>
#include <string_view>

#include "base/config.hpp"

namespace gims::sys {

// A user of this system, by name or number.
[[nodiscard]] const Config::TextRule& user_rule();

// The path of a Unix socket, which is a path of at most 107 bytes (unix(7)).
[[nodiscard]] std::string socket_path(Config& config, std::string_view key);

}  // namespace gims::sys
