// Encryption by force: what may enter a room whose messages this server must not be able to read
// (docs/threat-model.md).
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "json/value.hpp"

namespace gims::service::rooms {

inline constexpr std::string_view encryption_event = "m.room.encryption";
inline constexpr std::string_view megolm = "m.megolm.v1.aes-sha2";
inline constexpr std::string_view encryption_content = R"({"algorithm":"m.megolm.v1.aes-sha2"})";

// M_FORBIDDEN unless this event, that is no state, may go in. Three kinds are let in although they
// are readable: reactions and the steps of verification in a room, because no client encrypts them,
// the latter bounded in size and members; and redactions, which name only an event.
[[nodiscard]] Result<> check_message(std::string_view type, std::string_view content);

// What a client may ask for at creation: Megolm, with whatever rotation of its keys.
[[nodiscard]] Result<> check_initial_encryption(json::Value content);

[[nodiscard]] std::unexpected<Error> encryption_is_fixed();

}  // namespace gims::service::rooms
