// Events as clients see them (spec: client-server API, "Room event format"; "Stripped state").
#pragma once

#include <string>
#include <string_view>

#include "matrix/event.hpp"

namespace gims::matrix {

enum class RoomIdMember { with, without };  // /sync leaves it out

// The event without its last brace, so that `unsigned` can follow for each device:
//   {"content":...,"event_id":...,"origin_server_ts":...,...,"type":...
// `redacts` is given in both places that versions before and after 11 name it (rooms/v11, "Moving
// the redacts property"). Copies of bytes only, no tree.
[[nodiscard]] std::string client_event_head(const Event& event, RoomIdMember room_id);
void append_client_event_head(std::string& out, const Event& event, RoomIdMember room_id);

// The whole event; `unsigned_json` is an object as JSON, or empty for none.
[[nodiscard]] std::string client_event(const Event& event, RoomIdMember room_id,
                                       std::string_view unsigned_json = {});

// {"content":...,"sender":...,"state_key":...,"type":...}, for invitations and knocks. The event
// must be a state event.
[[nodiscard]] std::string stripped_state(const Event& event);

}  // namespace gims::matrix
