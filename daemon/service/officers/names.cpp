#include "service/officers/names.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/utf8.hpp"
#include "service/errors.hpp"
#include "service/officers/folding.hpp"

namespace gims::service {
namespace {

// Bidirectional controls (Unicode Standard Annex 9): with them a name looks like another.
constexpr std::array<std::string_view, 11> turning{"\u061c", "\u200e", "\u200f", "\u202a",
                                                   "\u202b", "\u202c", "\u202d", "\u202e",
                                                   "\u2066", "\u2067", "\u2068"};
// Line and paragraph separator, and the end of a direction.
constexpr std::array<std::string_view, 3> other_controls{"\u2028", "\u2029", "\u2069"};

bool has_control(std::string_view text) {
  const auto stands_in = [&](std::string_view control) { return text.contains(control); };
  if (std::ranges::any_of(turning, stands_in) || std::ranges::any_of(other_controls, stands_in)) {
    return true;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    // U+0080 to U+009F are C2 80 to C2 9F.
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::size_t characters_in(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

Result<> check_name(std::string_view text, std::string_view what, std::size_t most) {
  if (!is_utf8(text) || has_control(text) || text.contains(after_every_letter)) {
    return invalid_param(std::string(what) + " may have no control characters in it.");
  }
  if (folded(text).empty()) return invalid_param(std::string(what) + " may not be empty.");
  if (characters_in(text) > most) {
    return invalid_param(std::string(what) + " has at most " + std::to_string(most) +
                         " characters.");
  }
  return {};
}

}  // namespace gims::service
