// Relations and threads (spec: client-server API, "Relationship types", "Threading").
#include <utility>

#include "api/client/room_calls.hpp"
#include "api/client/rooms.hpp"
#include "service/errors.hpp"

namespace gims::api::client {

namespace {

using service::rooms::Direction;
using service::rooms::RelationsQuery;
using service::rooms::RoomReads;
using service::rooms::ThreadsQuery;

// The three paths differ in how many of rel_type and event_type they name.
Result<std::string> relations(RoomReads& reads, const Call& call, int named) {
  RelationsQuery query{.event_id = param_of(call, "eventId")};
  if (named >= 1) query.rel_type = param_of(call, "relType");
  if (named >= 2) query.event_type = param_of(call, "eventType");
  GIMS_TRY_ASSIGN(query.from, query_place(call, "from"));
  GIMS_TRY_ASSIGN(query.to, query_place(call, "to"));
  GIMS_TRY_ASSIGN(const auto direction, query_direction(call));
  query.direction = direction.value_or(Direction::backward);
  GIMS_TRY_ASSIGN(query.limit, query_number(call, "limit"));
  GIMS_TRY_ASSIGN(query.recurse, query_bool(call, "recurse"));
  return reads.relations(actor_of(call), call.param("roomId"), query);
}

Result<std::string> threads(RoomReads& reads, const Call& call) {
  ThreadsQuery query;
  const std::string_view include = call.query("include").value_or("all");
  if (include != "all" && include != "participated") {
    return service::invalid_param("The argument include must be all or participated.");
  }
  query.only_participated = include == "participated";
  GIMS_TRY_ASSIGN(query.from, query_place(call, "from"));
  GIMS_TRY_ASSIGN(query.limit, query_number(call, "limit"));
  return reads.threads(actor_of(call), call.param("roomId"), query);
}

}  // namespace

Routes room_relation_routes(RoomReads& reads) {
  Routes routes;
  routes.push_back(read_route("/_matrix/client/v1/rooms/{roomId}/relations/{eventId}",
                              [&reads](const Call& call) { return relations(reads, call, 0); }));
  routes.push_back(read_route("/_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}",
                              [&reads](const Call& call) { return relations(reads, call, 1); }));
  routes.push_back(
      read_route("/_matrix/client/v1/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}",
                 [&reads](const Call& call) { return relations(reads, call, 2); }));
  routes.push_back(read_route("/_matrix/client/v1/rooms/{roomId}/threads",
                              [&reads](const Call& call) { return threads(reads, call); }));
  return routes;
}

}  // namespace gims::api::client
