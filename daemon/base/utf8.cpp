#include "base/utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gims {
namespace {

constexpr std::uint64_t high_bits = 0x8080808080808080U;

bool continues(unsigned char byte) { return (byte & 0xc0U) == 0x80; }

// The length of the UTF-8 sequence at the start of `text`, which begins with a byte above 0x7f; 0
// if it is none (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  const unsigned char first = at(0);
  const unsigned char second = at(1);
  if (first >= 0xc2 && first <= 0xdf) return continues(second) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const unsigned char lowest = first == 0xe0 ? 0xa0 : 0x80;
    const unsigned char highest = first == 0xed ? 0x9f : 0xbf;
    return second >= lowest && second <= highest && continues(at(2)) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const unsigned char lowest = first == 0xf0 ? 0x90 : 0x80;
    const unsigned char highest = first == 0xf4 ? 0x8f : 0xbf;
    return second >= lowest && second <= highest && continues(at(2)) && continues(at(3)) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    if (bytes.size() >= 8) {
      std::uint64_t word;
      std::memcpy(&word, bytes.data(), 8);
      if ((word & high_bits) == 0) {
        bytes.remove_prefix(8);
        continue;
      }
    }
    const bool ascii = static_cast<unsigned char>(bytes.front()) < 0x80;
    const std::size_t length = ascii ? 1 : sequence_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

std::string_view cut_utf8(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  while (most > 0 && continues(static_cast<unsigned char>(text[most]))) --most;
  return text.substr(0, most);
}

}  // namespace gims
