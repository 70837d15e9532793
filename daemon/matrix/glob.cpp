// Globs of push rules (spec: appendices, "Glob-style matching").
#include <algorithm>

#include "matrix/push_rules.hpp"

namespace gims::matrix {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool in_word(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_';
}

// The bytes of the code point that begins at `i`.
std::size_t code_point_size(std::string_view text, std::size_t i) {
  std::size_t end = i + 1;
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) ++end;
  return end - i;
}

bool is_boundary(std::string_view text, std::size_t at) {
  return at == 0 || at == text.size() || !in_word(text[at - 1]) || !in_word(text[at]);
}

// Whether pattern matches text from `start` to some end that `accept` takes. On a mismatch goes
// back to the last star alone, which suffices: an earlier one could only match the same with more.
template <class Accept>
bool matches_from(std::string_view pattern, std::string_view text, std::size_t start,
                  Accept accept) {
  constexpr std::size_t none = std::string_view::npos;
  std::size_t p = 0;
  std::size_t t = start;
  std::size_t star = none;
  std::size_t resume = 0;
  while (true) {
    if (p == pattern.size()) {
      if (accept(t)) return true;
    } else if (pattern[p] == '*') {
      star = p++;
      resume = t;
      continue;
    } else if (t < text.size() && pattern[p] == '?') {
      t += code_point_size(text, t);
      ++p;
      continue;
    } else if (t < text.size() && lower(pattern[p]) == lower(text[t])) {
      ++p;
      ++t;
      continue;
    }
    if (star == none || resume >= text.size()) return false;
    resume += code_point_size(text, resume);
    p = star + 1;
    t = resume;
  }
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) noexcept {
  return matches_from(pattern, text, 0, [&](std::size_t end) { return end == text.size(); });
}

bool glob_matches_words(std::string_view pattern, std::string_view text) noexcept {
  const auto at_boundary = [&](std::size_t end) { return is_boundary(text, end); };
  const std::size_t first_star = std::min(pattern.find('*'), pattern.size());
  const std::string_view head = pattern.substr(0, first_star);
  const std::string_view rest = pattern.substr(first_star);
  for (std::size_t start = 0; start <= text.size(); ++start) {
    if (!is_boundary(text, start)) continue;
    std::size_t head_end = start;
    const auto note_end = [&](std::size_t end) {
      head_end = end;
      return true;
    };
    if (!matches_from(head, text, start, note_end)) continue;
    // What a star can reach from a later start it reaches from this one: no other start is tried,
    // which keeps hostile patterns from costing the square of the text.
    if (!rest.empty()) return matches_from(rest, text, head_end, at_boundary);
    if (at_boundary(head_end)) return true;
  }
  return false;
}

}  // namespace gims::matrix
