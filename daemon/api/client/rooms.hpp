// The modules of the client-server API that concern rooms. Each function gives the route table of
// one module; the services must outlive the routes.
#pragma once

#include "api/route.hpp"
#include "service/rooms/directory.hpp"
#include "service/rooms/room_reads.hpp"
#include "service/rooms/rooms.hpp"

namespace gims::api::client {

// POST /createRoom, /rooms/{roomId}/upgrade
[[nodiscard]] Routes room_creation_routes(service::rooms::Rooms& rooms);
// /join, /knock, /rooms/{roomId}/join, invite, leave, forget, kick, ban, unban; GET /joined_rooms
[[nodiscard]] Routes room_membership_routes(service::rooms::Rooms& rooms);
// PUT /rooms/{roomId}/send, /redact
[[nodiscard]] Routes room_send_routes(service::rooms::Rooms& rooms);
// /rooms/{roomId}/state, /members, /joined_members
[[nodiscard]] Routes room_state_routes(service::rooms::Rooms& rooms,
                                       service::rooms::RoomReads& reads);
// GET /rooms/{roomId}/messages, /context, /event, /timestamp_to_event
[[nodiscard]] Routes room_history_routes(service::rooms::RoomReads& reads);
// GET /rooms/{roomId}/relations, /threads
[[nodiscard]] Routes room_relation_routes(service::rooms::RoomReads& reads);
// /directory, /publicRooms, GET /rooms/{roomId}/aliases
[[nodiscard]] Routes room_directory_routes(service::rooms::Rooms& rooms,
                                           service::rooms::RoomReads& reads,
                                           service::rooms::Directory& directory);
// GET /rooms/{roomId}/hierarchy, /room_summary
[[nodiscard]] Routes space_routes(service::rooms::Directory& directory);
// POST /rooms/{roomId}/report, /users/{userId}/report
[[nodiscard]] Routes report_routes(service::rooms::Rooms& rooms, service::rooms::RoomReads& reads);

// All of them.
[[nodiscard]] Routes all_room_routes(service::rooms::Rooms& rooms, service::rooms::RoomReads& reads,
                                     service::rooms::Directory& directory);

}  // namespace gims::api::client
