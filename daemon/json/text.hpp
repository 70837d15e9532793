// Strings of JSON and their encoding.
#pragma once

#include <string>
#include <string_view>

namespace gims::json {

// Appends `text` in quotes with the shortest escapes, as canonical JSON wants it (spec: appendices,
// "Canonical JSON", grammar). `text` must be valid UTF-8, or the result is not JSON.
void append_quoted(std::string& out, std::string_view text);
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace gims::json
