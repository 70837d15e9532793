// Making events of our own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "matrix/event.hpp"
#include "matrix/room_version.hpp"

namespace gims::matrix {

// What an event is made of. Views must live until build_event returns.
struct Draft {
  // Empty for the create event of a room of version 12, whose id comes from it.
  std::string_view room_id = {};
  std::string_view type = {};
  std::optional<std::string_view> state_key = std::nullopt;
  std::string_view sender = {};
  std::string_view content = "{}";  // a JSON object, in any formatting
  std::span<const std::string> prev_events = {};
  std::span<const std::string> auth_events = {};
  std::int64_t depth = 0;
  Millis origin_server_ts = 0;
  // For m.room.redaction: put where the version has it, in place of what the content may say.
  std::optional<std::string_view> redacts = std::nullopt;
};

// A complete PDU with its content hash and id. Unsigned: the server signs it when it first leaves,
// and room for that signature is kept within the limit of size. Fails with M_TOO_LARGE (the event
// or one of its keys is too long) or M_BAD_JSON (content that is no object of canonical JSON).
[[nodiscard]] Result<EventPtr> build_event(const RoomVersion& version, const Draft& draft);

}  // namespace gims::matrix
