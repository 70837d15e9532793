#include "service/officers/folding.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.hpp"

namespace gims::service {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// Letters with a nukta that Unicode has as one code point too (Unicode Character Database,
// canonical decompositions of the Devanagari block).
constexpr std::array with_nukta{
    Pair{"\u0929", "\u0928\u093c"}, Pair{"\u0931", "\u0930\u093c"}, Pair{"\u0934", "\u0933\u093c"},
    Pair{"\u0958", "\u0915\u093c"}, Pair{"\u0959", "\u0916\u093c"}, Pair{"\u095a", "\u0917\u093c"},
    Pair{"\u095b", "\u091c\u093c"}, Pair{"\u095c", "\u0921\u093c"}, Pair{"\u095d", "\u0922\u093c"},
    Pair{"\u095e", "\u092b\u093c"}, Pair{"\u095f", "\u092f\u093c"},
};
// U+200B to U+200D are in use between letters of Indian scripts and cannot be seen; U+FEFF comes
// from files.
constexpr std::array<std::string_view, 4> not_seen{"\u200b", "\u200c", "\u200d", "\ufeff"};
// U+00A0 and U+3000 are what keyboards and spreadsheets put for a blank.
constexpr std::array<std::string_view, 2> wide_blanks{"\u00a0", "\u3000"};

bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::size_t length_at(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
    ++length;
  }
  return length;
}

}  // namespace

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool blank = false;
  while (!text.empty()) {
    const std::string_view letter = text.substr(0, length_at(text));
    text.remove_prefix(letter.size());
    if (std::ranges::contains(not_seen, letter)) continue;
    if (is_blank(letter.front()) || std::ranges::contains(wide_blanks, letter)) {
      blank = !out.empty();
      continue;
    }
    if (std::exchange(blank, false)) out.push_back(' ');
    const char c = letter.front();
    if (const auto* const found = std::ranges::find(with_nukta, letter, &Pair::first);
        found != with_nukta.end()) {
      out += found->second;
    } else if (c >= 'A' && c <= 'Z') {
      out.push_back(static_cast<char>(c - 'A' + 'a'));
    } else {
      out += letter;
    }
  }
  return out;
}

std::vector<std::string> terms_of(std::string_view text) {
  const std::string whole = folded(text);
  std::vector<std::string> terms;
  std::string_view rest = whole;
  while (!rest.empty()) {
    terms.emplace_back(cut_utf8(rest, longest_term));
    const std::size_t blank = rest.find(' ');
    rest = blank == std::string_view::npos ? std::string_view() : rest.substr(blank + 1);
  }
  return terms;
}

std::string end_of_prefix(std::string_view prefix) {
  return std::string(prefix) + std::string(after_every_letter);
}

}  // namespace gims::service
