// Names of header fields, of requests and of answers.
#pragma once

#include <algorithm>
#include <string_view>

namespace gims::http {

// They are ASCII, and are the same in either case (RFC 9110, section 5.1); no locale.
[[nodiscard]] constexpr bool same_name(std::string_view a, std::string_view b) noexcept {
  constexpr auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace gims::http
