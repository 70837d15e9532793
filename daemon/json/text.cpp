#include "json/text.hpp"

#include <cstdint>
#include <cstring>

namespace gims::json {
namespace {

constexpr std::uint64_t every_byte(std::uint64_t byte) { return byte * 0x0101010101010101U; }
constexpr std::uint64_t high_bits = every_byte(0x80);

// The high bit of each byte that is below `limit` (at most 0x80). Bytes above 0x7f never count. A
// byte after a true hit may be marked in vain, which costs a look at it and no more.
constexpr std::uint64_t below(std::uint64_t word, std::uint64_t limit) {
  return (word - every_byte(limit)) & ~word & high_bits;
}

bool has_special(std::uint64_t word) {
  return (below(word, 0x20) | below(word ^ every_byte('"'), 1) |
          below(word ^ every_byte('\\'), 1)) != 0;
}

bool special(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; }

// The length of the text's start that needs no escape.
std::size_t plain_run(std::string_view text) {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if (has_special(word)) break;
  }
  while (i < text.size() && !special(text[i])) ++i;
  return i;
}

void append_escape(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += digits[byte >> 4U];
  out += digits[byte & 0xfU];
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  while (true) {
    const std::size_t run = plain_run(text);
    out.append(text.substr(0, run));
    if (run == text.size()) break;
    append_escape(out, text[run]);
    text.remove_prefix(run + 1);
  }
  out.push_back('"');
}

std::string quoted(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  append_quoted(out, text);
  return out;
}

}  // namespace gims::json
