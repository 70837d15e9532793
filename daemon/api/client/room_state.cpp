// State and members (spec: client-server API, "Getting events for a room", PUT .../state).
#include <algorithm>
#include <array>
#include <utility>

#include "api/client/room_calls.hpp"
#include "api/client/rooms.hpp"
#include "service/errors.hpp"

namespace gims::api::client {

namespace {

using http::Method;
using http::Run;
using service::rooms::MembersQuery;
using service::rooms::RoomReads;
using service::rooms::Rooms;

constexpr std::string_view state_path =
    "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey?}";

void put_state(Rooms& rooms, Call call) {
  auto actor = actor_of(call);
  auto room = param_of(call, "roomId");
  service::rooms::StateInput state{.type = param_of(call, "eventType"),
                                   .state_key = param_of(call, "stateKey"),
                                   .content = body_text(call)};
  rooms.send_state(std::move(actor), std::move(room), std::move(state),
                   answer_with(std::move(call), "event_id"));
}

Result<std::string> get_state(RoomReads& reads, const Call& call) {
  const std::string_view format = call.query("format").value_or("content");
  if (format != "content" && format != "event") {
    return service::invalid_param("The argument format must be content or event.");
  }
  return reads.state_event(actor_of(call), call.param("roomId"), call.param("eventType"),
                           call.param("stateKey"), format == "event");
}

Result<std::optional<std::string>> query_membership(const Call& call, std::string_view name) {
  constexpr std::array memberships = {std::string_view("join"), std::string_view("invite"),
                                      std::string_view("knock"), std::string_view("leave"),
                                      std::string_view("ban")};
  auto text = query_text(call, name);
  if (text && !std::ranges::contains(memberships, std::string_view(*text))) {
    return service::invalid_param("The argument " + std::string(name) +
                                  " must be join, invite, knock, leave or ban.");
  }
  return text;
}

Result<std::string> members(RoomReads& reads, const Call& call) {
  MembersQuery query;
  GIMS_TRY_ASSIGN(query.at, query_place(call, "at"));
  GIMS_TRY_ASSIGN(query.membership, query_membership(call, "membership"));
  GIMS_TRY_ASSIGN(query.not_membership, query_membership(call, "not_membership"));
  return reads.members(actor_of(call), call.param("roomId"), query);
}

}  // namespace

Routes room_state_routes(Rooms& rooms, RoomReads& reads) {
  Routes routes;
  routes.push_back(write_route(Method::put, state_path, BodyKind::json_object, event_body,
                               Run::on_loop,
                               [&rooms](Call call) { put_state(rooms, std::move(call)); }));
  routes.push_back(
      read_route(state_path, [&reads](const Call& call) { return get_state(reads, call); }));
  routes.push_back(read_route(
      "/_matrix/client/v3/rooms/{roomId}/state",
      [&reads](const Call& call) { return reads.state(actor_of(call), call.param("roomId")); }));
  routes.push_back(read_route("/_matrix/client/v3/rooms/{roomId}/members",
                              [&reads](const Call& call) { return members(reads, call); }));
  routes.push_back(
      read_route("/_matrix/client/v3/rooms/{roomId}/joined_members", [&reads](const Call& call) {
        return reads.joined_members(actor_of(call), call.param("roomId"));
      }));
  return routes;
}

}  // namespace gims::api::client
