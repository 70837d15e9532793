#include "api/client/media_headers.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace gims::api::client {
namespace {

constexpr std::string_view unknown_type = "application/octet-stream";
constexpr std::size_t longest_type = 255;

constexpr std::array<std::string_view, 26> inline_types{
    "application/json", "application/ld+json", "audio/aac",   "audio/flac", "audio/mp4",
    "audio/mpeg",       "audio/ogg",           "audio/wav",   "audio/wave", "audio/webm",
    "audio/x-flac",     "audio/x-pn-wav",      "audio/x-wav", "image/apng", "image/avif",
    "image/gif",        "image/jpeg",          "image/png",   "image/webp", "text/css",
    "text/csv",         "text/plain",          "video/mp4",   "video/ogg",  "video/quicktime",
    "video/webm"};
constexpr std::array<std::string_view, 5> thumbnail_types{"image/apng", "image/gif", "image/jpeg",
                                                          "image/png", "image/webp"};

bool is_printable(char c) { return c >= ' ' && c <= '~'; }

// All digits, or nothing. A number beyond 64 bits is the largest one: past the end of any file.
std::optional<std::uint64_t> number_of(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  return read.ec == std::errc{} ? number : UINT64_MAX;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

// RFC 8187, section 3.2.1: attr-char as it is, every other byte as %XX.
std::string extended(std::string_view text) {
  constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`|~";
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out = "utf-8''";
  for (const char c : text) {
    if (plain.contains(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
  return out;
}

}  // namespace

RangeChoice choose_range(std::string_view field, std::uint64_t size) {
  constexpr std::string_view unit = "bytes=";
  if (!field.starts_with(unit)) return {};
  field.remove_prefix(unit.size());
  const std::size_t dash = field.find('-');
  if (dash == std::string_view::npos) return {};
  const auto from = number_of(field.substr(0, dash));
  const auto to = number_of(field.substr(dash + 1));
  constexpr RangeChoice unsatisfiable{.kind = RangeKind::unsatisfiable, .range = {}};
  if (dash == 0) {  // the last bytes
    if (!to) return {};
    const std::uint64_t length = std::min(*to, size);
    if (length == 0) return unsatisfiable;
    return {.kind = RangeKind::part, .range = {.first = size - length, .length = length}};
  }
  if (!from || (!to && dash + 1 != field.size()) || (to && *to < *from)) return {};
  if (*from >= size) return unsatisfiable;
  const std::uint64_t last = std::min(to.value_or(UINT64_MAX), size - 1);
  return {.kind = RangeKind::part, .range = {.first = *from, .length = last - *from + 1}};
}

std::string essence_of(std::string_view content_type) {
  std::string_view text = content_type.substr(0, content_type.find(';'));
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

bool may_be_inline(std::string_view essence) {
  return std::ranges::binary_search(inline_types, essence);
}
bool may_be_thumbnail(std::string_view essence) {
  return std::ranges::contains(thumbnail_types, essence);
}

std::string content_disposition(bool shown_inline, std::optional<std::string_view> file_name) {
  std::string out = shown_inline ? "inline" : "attachment";
  if (!file_name || file_name->empty()) return out;
  if (std::ranges::all_of(*file_name, is_printable))
    return out + "; filename=" + quoted(*file_name);
  return out + "; filename*=" + extended(*file_name);
}

std::string stored_content_type(std::optional<std::string_view> field) {
  if (!field || field->empty() || field->size() > longest_type ||
      !std::ranges::all_of(*field, is_printable)) {
    return std::string(unknown_type);
  }
  return std::string(*field);
}

}  // namespace gims::api::client
