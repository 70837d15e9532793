// The grammar of identifiers (spec: appendices, "Identifier Grammar").
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.hpp"

namespace gims::matrix {

inline constexpr std::size_t max_id_bytes = 255;

// An identifier in its parts; views of the string that was parsed. `domain` is empty where the kind
// of identifier may have none (events; rooms of version 12).
struct IdParts {
  std::string_view localpart;  // without the sigil
  std::string_view domain;
};

// Whether a user id must be one that a server may make today, or one that has been allowed before:
// any localpart of UTF-8 without ':' and NUL, which events of others may hold.
enum class UserIdGrammar { strict, historical };

[[nodiscard]] bool is_server_name(std::string_view text) noexcept;
[[nodiscard]] std::optional<IdParts> parse_user_id(
    std::string_view text, UserIdGrammar grammar = UserIdGrammar::historical) noexcept;
[[nodiscard]] std::optional<IdParts> parse_room_id(std::string_view text) noexcept;
[[nodiscard]] std::optional<IdParts> parse_room_alias(std::string_view text) noexcept;
[[nodiscard]] std::optional<IdParts> parse_event_id(std::string_view text) noexcept;

[[nodiscard]] inline bool is_user_id(std::string_view text) noexcept {
  return parse_user_id(text).has_value();
}
[[nodiscard]] inline bool is_room_id(std::string_view text) noexcept {
  return parse_room_id(text).has_value();
}
[[nodiscard]] inline bool is_room_alias(std::string_view text) noexcept {
  return parse_room_alias(text).has_value();
}
[[nodiscard]] inline bool is_event_id(std::string_view text) noexcept {
  return parse_event_id(text).has_value();
}
// A localpart this server may give to a new account: a-z 0-9 . _ = - / +, not empty.
[[nodiscard]] bool is_new_localpart(std::string_view text) noexcept;
// "ed25519:1", "curve25519:JLAFKJWSCS": an algorithm of [A-Za-z0-9_] and the name of a key, which
// for device keys is a device id and so any UTF-8.
struct KeyId {
  std::string_view algorithm;
  std::string_view name;
};
[[nodiscard]] std::optional<KeyId> parse_key_id(std::string_view text) noexcept;
// A name of [0-9a-zA-Z.=_-], 1 to 255 (client secrets, sids); see "Opaque Identifiers".
[[nodiscard]] bool is_opaque_id(std::string_view text) noexcept;

// The server name within an identifier, or nothing: "gims.internal" of "@user:gims.internal".
[[nodiscard]] std::string_view domain_of(std::string_view id) noexcept;

// The same with an error for a client: M_INVALID_PARAM, naming what was expected and `field`.
[[nodiscard]] Result<IdParts> require_user_id(std::string_view text, std::string_view field);
[[nodiscard]] Result<IdParts> require_room_id(std::string_view text, std::string_view field);
[[nodiscard]] Result<IdParts> require_room_alias(std::string_view text, std::string_view field);

}  // namespace gims::matrix
