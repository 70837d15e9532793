// Who is in a room (spec: client-server API, "Room membership").
#include <utility>

#include "api/client/room_calls.hpp"
#include "api/client/rooms.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"

namespace gims::api::client {

namespace {

using http::Method;
using http::Run;
using service::rooms::Act;
using service::rooms::Rooms;

Result<std::optional<std::string>> reason_of(const Call& call) {
  GIMS_TRY_ASSIGN(const auto reason, json::optional_string(call.body(), "reason"));
  return reason ? std::optional(std::string(*reason)) : std::nullopt;
}

// One's own membership, of a room by id.
void act_on_self(Rooms& rooms, Act act, std::string room_id, Call call) {
  auto reason = reason_of(call);
  if (!reason) return std::move(call).error(reason.error());
  service::rooms::MembershipDetails details{.reason = std::move(*reason), .more = {}};
  if (act == Act::join) details.more = body_text(call);
  auto actor = actor_of(call);
  std::string user = actor.user_id;
  auto done =
      act == Act::leave ? answer_empty(std::move(call)) : answer_with(std::move(call), "room_id");
  rooms.set_membership(std::move(actor), act, std::move(room_id), std::move(user),
                       std::move(details), std::move(done));
}

void act_on_other(Rooms& rooms, Act act, Call call) {
  const json::Value body = call.body();
  if (act == Act::invite && !body.get("user_id") && body.get("medium")) {
    return std::move(call).error(
        service::forbidden("This server knows no identity server; invite by user id.").error());
  }
  const auto target = json::required_string(body, "user_id");
  if (!target) return std::move(call).error(target.error());
  auto reason = reason_of(call);
  if (!reason) return std::move(call).error(reason.error());
  auto actor = actor_of(call);
  auto room = param_of(call, "roomId");
  std::string user(*target);
  rooms.set_membership(std::move(actor), act, std::move(room), std::move(user),
                       {.reason = std::move(*reason), .more = {}}, answer_empty(std::move(call)));
}

// By id or alias; on a worker, since an alias is looked up.
Route by_id_or_alias(Rooms& rooms, Act act, std::string_view path) {
  return write_route(Method::post, path, BodyKind::json_object_or_empty, small_body, Run::on_pool,
                     [&rooms, act](Call call) {
                       auto room = rooms.resolve(call.param("roomIdOrAlias"));
                       if (!room) return std::move(call).error(room.error());
                       act_on_self(rooms, act, std::move(*room), std::move(call));
                     });
}

Route on_self(Rooms& rooms, Act act, std::string_view path) {
  return write_route(Method::post, path, BodyKind::json_object_or_empty, small_body, Run::on_loop,
                     [&rooms, act](Call call) {
                       auto room = param_of(call, "roomId");
                       act_on_self(rooms, act, std::move(room), std::move(call));
                     });
}

Route on_other(Rooms& rooms, Act act, std::string_view path) {
  return write_route(Method::post, path, BodyKind::json_object, small_body, Run::on_loop,
                     [&rooms, act](Call call) { act_on_other(rooms, act, std::move(call)); });
}

Result<std::string> joined_rooms(Rooms& rooms, const Call& call) {
  GIMS_TRY_ASSIGN(const auto ids, rooms.joined_rooms(call.caller().user_id));
  json::Writer out;
  out.begin_object().key("joined_rooms").begin_array();
  for (const std::string& id : ids) out.value(id);
  out.end_array().end_object();
  return out.take();
}

}  // namespace

Routes room_membership_routes(Rooms& rooms) {
  Routes routes;
  routes.push_back(by_id_or_alias(rooms, Act::join, "/_matrix/client/v3/join/{roomIdOrAlias}"));
  routes.push_back(by_id_or_alias(rooms, Act::knock, "/_matrix/client/v3/knock/{roomIdOrAlias}"));
  routes.push_back(on_self(rooms, Act::join, "/_matrix/client/v3/rooms/{roomId}/join"));
  for (Route& route : routes) route.rate = RateClass::room;
  routes.push_back(
      while_suspended(on_self(rooms, Act::leave, "/_matrix/client/v3/rooms/{roomId}/leave")));
  routes.push_back(on_other(rooms, Act::invite, "/_matrix/client/v3/rooms/{roomId}/invite"));
  routes.push_back(on_other(rooms, Act::kick, "/_matrix/client/v3/rooms/{roomId}/kick"));
  routes.push_back(on_other(rooms, Act::ban, "/_matrix/client/v3/rooms/{roomId}/ban"));
  routes.push_back(on_other(rooms, Act::unban, "/_matrix/client/v3/rooms/{roomId}/unban"));
  routes.push_back(while_suspended(
      write_route(Method::post, "/_matrix/client/v3/rooms/{roomId}/forget",
                  BodyKind::json_object_or_empty, small_body, Run::on_loop, [&rooms](Call call) {
                    auto actor = actor_of(call);
                    auto room = param_of(call, "roomId");
                    rooms.forget(std::move(actor), std::move(room), answer_done(std::move(call)));
                  })));
  routes.push_back(read_route("/_matrix/client/v3/joined_rooms",
                              [&rooms](const Call& call) { return joined_rooms(rooms, call); }));
  return routes;
}

}  // namespace gims::api::client
