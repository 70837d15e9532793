// History (spec: client-server API, "Getting events for a room", "Event context", v1
// timestamp_to_event).
#include <utility>

#include "api/client/room_calls.hpp"
#include "api/client/rooms.hpp"
#include "json/fields.hpp"

namespace gims::api::client {

namespace {

using service::rooms::ContextQuery;
using service::rooms::Direction;
using service::rooms::MessagesQuery;
using service::rooms::RoomReads;

Result<Direction> required_direction(const Call& call) {
  GIMS_TRY_ASSIGN(const auto direction, query_direction(call));
  if (!direction) return std::unexpected(json::missing("dir"));
  return *direction;
}

Result<std::string> messages(RoomReads& reads, const Call& call) {
  MessagesQuery query;
  GIMS_TRY_ASSIGN(query.direction, required_direction(call));
  GIMS_TRY_ASSIGN(query.from, query_place(call, "from"));
  GIMS_TRY_ASSIGN(query.to, query_place(call, "to"));
  GIMS_TRY_ASSIGN(query.limit, query_number(call, "limit"));
  GIMS_TRY_ASSIGN(query.filter, query_filter(call));
  return reads.messages(actor_of(call), call.param("roomId"), query);
}

Result<std::string> context(RoomReads& reads, const Call& call) {
  ContextQuery query{.event_id = param_of(call, "eventId")};
  GIMS_TRY_ASSIGN(query.limit, query_number(call, "limit"));
  GIMS_TRY_ASSIGN(query.filter, query_filter(call));
  return reads.context(actor_of(call), call.param("roomId"), query);
}

Result<std::string> event_near(RoomReads& reads, const Call& call) {
  GIMS_TRY_ASSIGN(const auto ts, query_number(call, "ts"));
  if (!ts) return std::unexpected(json::missing("ts"));
  GIMS_TRY_ASSIGN(const Direction direction, required_direction(call));
  return reads.event_near(actor_of(call), call.param("roomId"), *ts, direction);
}

}  // namespace

Routes room_history_routes(RoomReads& reads) {
  Routes routes;
  routes.push_back(read_route("/_matrix/client/v3/rooms/{roomId}/messages",
                              [&reads](const Call& call) { return messages(reads, call); }));
  routes.push_back(read_route("/_matrix/client/v3/rooms/{roomId}/context/{eventId}",
                              [&reads](const Call& call) { return context(reads, call); }));
  routes.push_back(
      read_route("/_matrix/client/v3/rooms/{roomId}/event/{eventId}", [&reads](const Call& call) {
        return reads.event(actor_of(call), call.param("roomId"), call.param("eventId"));
      }));
  routes.push_back(read_route("/_matrix/client/v1/rooms/{roomId}/timestamp_to_event",
                              [&reads](const Call& call) { return event_near(reads, call); }));
  return routes;
}

}  // namespace gims::api::client
