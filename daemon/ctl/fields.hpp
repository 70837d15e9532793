// Members of an answer as text for a terminal.
#pragma once

#include <string>
#include <string_view>

#include "json/value.hpp"

namespace gims::ctl {

[[nodiscard]] std::string text_of(json::Value object, std::string_view name);
[[nodiscard]] std::string number_of(json::Value object, std::string_view name);
// "-" where there is none.
[[nodiscard]] std::string time_of(json::Value object, std::string_view name);
[[nodiscard]] std::string or_dash(std::string text);
// "name:  value" and the end of the line; the value is made printable.
void line(std::string& out, std::string_view name, std::string_view value);

}  // namespace gims::ctl
