// What administrators may write as a name.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.hpp"

namespace gims::service {

[[nodiscard]] std::size_t characters_in(std::string_view text) noexcept;

// M_INVALID_PARAM unless it has a visible character, `most` characters at most, and none that
// steers a terminal or turns the direction of what follows. `what`: the field, for the text.
[[nodiscard]] Result<> check_name(std::string_view text, std::string_view what, std::size_t most);

}  // namespace gims::service
