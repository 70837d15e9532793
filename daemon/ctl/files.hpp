// Files that commands read and write; failures in words, with the file's name.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gims::ctl {

inline constexpr mode_t for_everyone = 0644;
inline constexpr mode_t for_its_owner = 0600;

// bad_input; the code is that of errno ("ENOENT").
[[nodiscard]] Result<std::string> read_text(const std::string& file, std::size_t most);
// Replaces the file as a whole.
[[nodiscard]] Result<> write_text(const std::string& file, std::string_view text, mode_t mode);
// Puts the file's name before the text of a failure.
template <class T>
[[nodiscard]] Result<T> about(const std::string& file, Result<T> result) {
  if (!result) result.error().text = file + ": " + result.error().text;
  return result;
}

}  // namespace gims::ctl
