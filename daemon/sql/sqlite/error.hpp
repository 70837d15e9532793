// From SQLite's result codes to errors of ours.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace gims::sql::sqlite {

// `code`: an extended result code. `what`: the statement's name, or what was done. `message`: the
// engine's own text; it goes to the journal only.
[[nodiscard]] Error error_of(int code, std::string_view what, std::string_view message);

// The file is not what was written.
[[nodiscard]] bool is_damage(int code) noexcept;

// The disk or the file is at fault: nothing more is to be written through the connection.
[[nodiscard]] bool is_storage_failure(int code) noexcept;

}  // namespace gims::sql::sqlite
