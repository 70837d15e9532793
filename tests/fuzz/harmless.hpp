// What comes to a terminal steers nothing there.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/check.hpp"

namespace gims::test {

inline void is_harmless(std::string_view text) {
  GIMS_CHECK(std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n') || byte == 0x7f;
  }));
  // C1 controls in UTF-8.
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    const auto next = static_cast<unsigned char>(text[i + 1]);
    GIMS_CHECK(text[i] != '\xc2' || next < 0x80 || next > 0x9f);
  }
}

}  // namespace gims::test
