// A room's state as one user may see it: /state, /members, /joined_members, /aliases.
#include <algorithm>
#include <string>
#include <utility>

#include "json/writer.hpp"
#include "service/errors.hpp"
#include "service/rooms/room_reads.hpp"
#include "service/rooms/room_view.hpp"
#include "service/rooms/timeline.hpp"
#include "store/statements/aliases.hpp"
#include "store/statements/memberships.hpp"
#include "store/statements/state.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

Result<std::string> RoomReads::state(const Actor& viewer, std::string_view room_id) {
  GIMS_TRY_ASSIGN(RoomView room, RoomView::open(store_, clock_, viewer, room_id));
  std::vector<StoredEvent> events;
  if (room.state_position() == Visibility::now) {
    GIMS_TRY_ASSIGN(events, room.events(sql_of::CurrentState{.room_nid = room.nid()}));
  } else {
    GIMS_TRY_ASSIGN(events, room.events(sql_of::StateAt{.room_nid = room.nid(),
                                                        .upto = room.state_position()}));
  }
  std::string out;
  GIMS_TRY(room.append_list(out, events));
  return out;
}

Result<std::string> RoomReads::state_event(const Actor& viewer, std::string_view room_id,
                                           std::string_view type, std::string_view state_key,
                                           bool whole) {
  GIMS_TRY_ASSIGN(RoomView room, RoomView::open(store_, clock_, viewer, room_id));
  GIMS_TRY_ASSIGN(const auto event, room.state_event(type, state_key));
  if (!event) return not_found("The room has no such state.");
  if (!whole) return std::string(event->event->content_bytes());
  std::string out;
  GIMS_TRY(room.append(out, *event));
  return out;
}

Result<std::string> RoomReads::members(const Actor& viewer, std::string_view room_id,
                                       const MembersQuery& query) {
  GIMS_TRY_ASSIGN(RoomView room, RoomView::open(store_, clock_, viewer, room_id));
  const store::StreamId position =
      std::min(room.state_position(), query.at.value_or(Visibility::now));
  std::vector<StoredEvent> events;
  if (position == Visibility::now) {
    GIMS_TRY_ASSIGN(events, room.events(sql_of::CurrentStateOfType{.room_nid = room.nid(),
                                                                   .type = "m.room.member"}));
  } else {
    GIMS_TRY_ASSIGN(events,
                    room.events(sql_of::StateOfTypeAt{
                        .room_nid = room.nid(), .type = "m.room.member", .upto = position}));
  }
  if (query.membership || query.not_membership) {
    std::erase_if(events, [&](const StoredEvent& event) {
      const std::string_view membership = event.event->membership();
      return (!query.membership || membership != *query.membership) &&
             (!query.not_membership || membership == *query.not_membership);
    });
  }
  std::string out = "{\"chunk\":";
  GIMS_TRY(room.append_list(out, events));
  out.push_back('}');
  return out;
}

Result<std::string> RoomReads::joined_members(const Actor& viewer, std::string_view room_id) {
  GIMS_TRY_ASSIGN(RoomView room, RoomView::open(store_, clock_, viewer, room_id));
  if (!room.visibility().is_joined()) return forbidden(not_in_room);
  json::Writer out;
  out.begin_object().key("joined").begin_object();
  GIMS_TRY(sql::for_each(room.sql(),
                         sql_of::MembersOfRoom{.room_nid = room.nid(), .membership = "join"},
                         [&](const sql_of::MembersOfRoom::View& member) {
                           out.key(member.user_id).begin_object();
                           if (member.display_name) {
                             out.member("display_name", *member.display_name);
                           }
                           if (member.avatar_url) out.member("avatar_url", *member.avatar_url);
                           out.end_object();
                         }));
  out.end_object().end_object();
  return out.take();
}

Result<std::string> RoomReads::aliases(const Actor& viewer, std::string_view room_id) {
  GIMS_TRY_ASSIGN(RoomView room, RoomView::open(store_, clock_, viewer, room_id));
  if (!room.visibility().is_joined() && !room.visibility().is_world_readable()) {
    return forbidden(not_in_room);
  }
  json::Writer out;
  out.begin_object().key("aliases").begin_array();
  GIMS_TRY(sql::for_each(room.sql(), sql_of::AliasesOfRoom{.room_nid = room.nid()},
                         [&](const sql_of::AliasesOfRoom::View& row) { out.value(row.alias); }));
  out.end_array().end_object();
  return out.take();
}

}  // namespace gims::service::rooms
