#include "matrix/ids.hpp"

#include <algorithm>
#include <string>

#include "base/utf8.hpp"

namespace gims::matrix {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_alphanumeric(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }

constexpr bool is_hex_or_separator(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

// Four numbers of 0 to 255: where a name looks like an IPv4 literal, it must be one.
bool is_ipv4(std::string_view text) {
  int parts = 0;
  while (true) {
    const std::size_t end = std::min(text.find('.'), text.size());
    const std::string_view part = text.substr(0, end);
    if (part.empty() || part.size() > 3 || !std::ranges::all_of(part, is_digit)) return false;
    int number = 0;
    for (const char c : part) number = number * 10 + (c - '0');
    if (number > 255 || ++parts > 4) return false;
    if (end == text.size()) return parts == 4;
    text.remove_prefix(end + 1);
  }
}

bool is_ipv6(std::string_view text) {
  return text.size() >= 2 && text.size() <= 45 && std::ranges::all_of(text, is_hex_or_separator) &&
         text.contains(':');
}

bool is_dns_name(std::string_view text) {
  if (text.empty() || text.size() > 255) return false;
  const bool all_numbers =
      std::ranges::all_of(text, [](char c) { return is_digit(c) || c == '.'; });
  if (all_numbers && text.contains('.')) return is_ipv4(text);
  return std::ranges::all_of(text,
                             [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

bool is_port(std::string_view text) {
  return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, is_digit);
}

bool is_localpart_char(char c) {
  return is_lower(c) || is_digit(c) || std::string_view("._=-/+").contains(c);
}

// The parts on both sides of the first ':', after the sigil.
std::optional<IdParts> split(std::string_view text, char sigil) {
  if (text.empty() || text.front() != sigil || text.size() > max_id_bytes) return std::nullopt;
  text.remove_prefix(1);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return IdParts{text, {}};
  return IdParts{text.substr(0, colon), text.substr(colon + 1)};
}

bool is_opaque(std::string_view localpart) {
  return !localpart.contains('\0') && is_utf8(localpart);
}

bool has_colon(const IdParts& parts, std::string_view text) {
  return parts.localpart.size() + 1 < text.size();
}

std::unexpected<Error> no_id(std::string_view field, std::string_view what) {
  return fail(ErrorKind::bad_input, "M_INVALID_PARAM",
              std::string(field) + " must be " + std::string(what) + ".");
}

Result<IdParts> require(const std::optional<IdParts>& parts, std::string_view field,
                        std::string_view what) {
  if (!parts) return no_id(field, what);
  return *parts;
}

}  // namespace

bool is_server_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_id_bytes) return false;
  if (text.front() == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) return false;
    const std::string_view rest = text.substr(end + 1);
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return is_dns_name(text);
  return is_dns_name(text.substr(0, colon)) && is_port(text.substr(colon + 1));
}

std::optional<IdParts> parse_user_id(std::string_view text, UserIdGrammar grammar) noexcept {
  const auto parts = split(text, '@');
  if (!parts || !is_server_name(parts->domain)) return std::nullopt;
  const bool good = grammar == UserIdGrammar::strict ? is_new_localpart(parts->localpart)
                                                     : is_opaque(parts->localpart);
  return good ? parts : std::nullopt;
}

std::optional<IdParts> parse_room_id(std::string_view text) noexcept {
  const auto parts = split(text, '!');
  if (!parts || parts->localpart.empty() || !is_opaque(parts->localpart)) return std::nullopt;
  if (has_colon(*parts, text) && !is_server_name(parts->domain)) return std::nullopt;
  return parts;
}

std::optional<IdParts> parse_room_alias(std::string_view text) noexcept {
  const auto parts = split(text, '#');
  if (!parts || parts->localpart.empty() || !is_opaque(parts->localpart) ||
      !is_server_name(parts->domain)) {
    return std::nullopt;
  }
  return parts;
}

std::optional<IdParts> parse_event_id(std::string_view text) noexcept {
  const auto parts = split(text, '$');
  if (!parts || parts->localpart.empty() || !is_opaque(parts->localpart)) return std::nullopt;
  if (has_colon(*parts, text) && !is_server_name(parts->domain)) return std::nullopt;
  return parts;
}

bool is_new_localpart(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_localpart_char);
}

std::optional<KeyId> parse_key_id(std::string_view text) noexcept {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || text.size() > max_id_bytes) {
    return std::nullopt;
  }
  const KeyId id{text.substr(0, colon), text.substr(colon + 1)};
  const auto in_algorithm = [](char c) { return is_alphanumeric(c) || c == '_'; };
  if (id.name.empty() || !std::ranges::all_of(id.algorithm, in_algorithm) || !is_opaque(id.name)) {
    return std::nullopt;
  }
  return id;
}

bool is_opaque_id(std::string_view text) noexcept {
  return !text.empty() && text.size() <= max_id_bytes && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || std::string_view(".=_-").contains(c);
  });
}

std::string_view domain_of(std::string_view id) noexcept {
  const std::size_t colon = id.find(':');
  return colon == std::string_view::npos ? std::string_view() : id.substr(colon + 1);
}

Result<IdParts> require_user_id(std::string_view text, std::string_view field) {
  return require(parse_user_id(text), field, "a user id such as @name:server");
}
Result<IdParts> require_room_id(std::string_view text, std::string_view field) {
  return require(parse_room_id(text), field, "a room id, which begins with '!'");
}
Result<IdParts> require_room_alias(std::string_view text, std::string_view field) {
  return require(parse_room_alias(text), field, "a room alias such as #name:server");
}

}  // namespace gims::matrix
