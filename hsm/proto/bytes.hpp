// Bytes, and text as such: what every part of gims-keyd passes around. A view owns nothing and
// lives as long as what it is of.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gims::hsm {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

[[nodiscard]] inline BytesView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

[[nodiscard]] inline std::string_view text_of(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace gims::hsm
