// The system's users.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

namespace gims::sys {

// The uid of a name of the system's users, or of a number; nothing: there is no such user. Before
// the sandbox is entered, as it reads /etc.
[[nodiscard]] std::optional<uid_t> uid_of(std::string_view user);

}  // namespace gims::sys
