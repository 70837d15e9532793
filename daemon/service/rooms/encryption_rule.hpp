// Encryption by force: what may enter a room whose messages this server must not be able to read
// (docs/threat-model.md).
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "json/value.hpp"
#include "service/rooms/rooms.hpp"

namespace gims::service::rooms {

inline constexpr std::string_view encryption_event = "m.room.encryption";
inline constexpr std::string_view megolm = "m.megolm.v1.aes-sha2";
inline constexpr std::string_view encryption_content = R"({"algorithm":"m.megolm.v1.aes-sha2"})";
inline constexpr std::string_view verification_request = "m.key.verification.request";

// What has to be true of the room for a message to go in; both empty: nothing more.
struct Conditions {
  std::string to;       // this user is in the room, or invited
  std::string answers;  // this event asks the sender to be verified, or is the sender's own asking
};

// M_FORBIDDEN unless this event, that is no state, may go in. Three kinds are let in although they
// are readable: reactions and the steps of verification in a room, because no client encrypts them,
// the latter with the members that the spec gives them, none of which has room for a letter; and
// redactions, which name only an event.
[[nodiscard]] Result<Conditions> check_message(const Actor& sender, std::string_view type,
                                               std::string_view content);
[[nodiscard]] std::unexpected<Error> must_be_encrypted();

// What a client may ask for at creation: Megolm, with whatever rotation of its keys.
[[nodiscard]] Result<> check_initial_encryption(json::Value content);

[[nodiscard]] std::unexpected<Error> encryption_is_fixed();

}  // namespace gims::service::rooms
