// Creation and upgrade of rooms (spec: client-server API, "Creation", "Room upgrades").
#include <utility>

#include "api/client/room_calls.hpp"
#include "api/client/rooms.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::client {

namespace {

using http::Method;
using http::Run;
using service::rooms::NewRoom;
using service::rooms::Rooms;
using service::rooms::StateInput;

constexpr std::size_t creation_body = std::size_t{1} << 20U;

Result<std::string> optional_object_text(json::Value body, std::string_view name) {
  GIMS_TRY_ASSIGN(const json::Value object, json::optional_object(body, name));
  return object ? object.to_text() : std::string();
}

Result<std::optional<std::string>> optional_text(json::Value body, std::string_view name) {
  GIMS_TRY_ASSIGN(const auto text, json::optional_string(body, name));
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

Result<std::vector<StateInput>> initial_state(json::Value body) {
  std::vector<StateInput> states;
  GIMS_TRY_ASSIGN(const json::Value list, json::optional_array(body, "initial_state"));
  for (const json::Value element : list.array()) {
    GIMS_TRY_ASSIGN(const json::Value event, json::require_object(element));
    GIMS_TRY_ASSIGN(const auto type, json::required_string(event, "type"));
    GIMS_TRY_ASSIGN(const auto state_key, json::optional_string(event, "state_key"));
    GIMS_TRY_ASSIGN(const json::Value content, json::required_object(event, "content"));
    states.push_back({.type = std::string(type),
                      .state_key = std::string(state_key.value_or("")),
                      .content = content.to_text()});
  }
  return states;
}

Result<NewRoom> decode(json::Value body) {
  NewRoom room;
  GIMS_TRY_ASSIGN(const auto visibility, json::optional_string(body, "visibility"));
  if (visibility && *visibility != "public" && *visibility != "private") {
    return service::invalid_param("visibility is public or private.");
  }
  room.listed = visibility == "public";
  GIMS_TRY_ASSIGN(const json::Value third_parties, json::optional_array(body, "invite_3pid"));
  if (third_parties.size() > 0) {
    return service::forbidden("This server knows no identity server; invite by user id.");
  }
  GIMS_TRY_ASSIGN(const auto version, optional_text(body, "room_version"));
  room.version = version.value_or("");
  GIMS_TRY_ASSIGN(const auto preset, optional_text(body, "preset"));
  room.preset = preset.value_or("");
  GIMS_TRY_ASSIGN(const auto alias, optional_text(body, "room_alias_name"));
  room.alias_localpart = alias.value_or("");
  GIMS_TRY_ASSIGN(room.name, optional_text(body, "name"));
  GIMS_TRY_ASSIGN(room.topic, optional_text(body, "topic"));
  GIMS_TRY_ASSIGN(const auto invite, json::optional_strings(body, "invite"));
  room.invite.assign(invite.begin(), invite.end());
  GIMS_TRY_ASSIGN(const auto is_direct, json::optional_bool(body, "is_direct"));
  room.is_direct = is_direct.value_or(false);
  GIMS_TRY_ASSIGN(room.creation_content, optional_object_text(body, "creation_content"));
  GIMS_TRY_ASSIGN(room.power_levels, optional_object_text(body, "power_level_content_override"));
  GIMS_TRY_ASSIGN(room.initial_state, initial_state(body));
  return room;
}

void create(Rooms& rooms, Call call) {
  auto request = decode(call.body());
  if (!request) return std::move(call).error(request.error());
  auto actor = actor_of(call);
  rooms.create(std::move(actor), std::move(*request), answer_with(std::move(call), "room_id"));
}

struct Upgrade {
  std::string version;
  std::vector<std::string> creators;
};

Result<Upgrade> decode_upgrade(json::Value body) {
  GIMS_TRY_ASSIGN(const auto version, json::required_string(body, "new_version"));
  GIMS_TRY_ASSIGN(const auto creators, json::optional_strings(body, "additional_creators"));
  return Upgrade{.version = std::string(version), .creators = {creators.begin(), creators.end()}};
}

void upgrade(Rooms& rooms, Call call) {
  auto request = decode_upgrade(call.body());
  if (!request) return std::move(call).error(request.error());
  auto actor = actor_of(call);
  auto room = param_of(call, "roomId");
  rooms.upgrade(std::move(actor), std::move(room), std::move(request->version),
                std::move(request->creators), answer_with(std::move(call), "replacement_room"));
}

}  // namespace

Routes room_creation_routes(Rooms& rooms) {
  Routes routes;
  routes.push_back(write_route(Method::post, "/_matrix/client/v3/createRoom", BodyKind::json_object,
                               creation_body, Run::on_loop,
                               [&rooms](Call call) { create(rooms, std::move(call)); }));
  routes.push_back(write_route(Method::post, "/_matrix/client/v3/rooms/{roomId}/upgrade",
                               BodyKind::json_object, small_body, Run::on_loop,
                               [&rooms](Call call) { upgrade(rooms, std::move(call)); }));
  for (Route& route : routes) route.rate = RateClass::room;
  return routes;
}

}  // namespace gims::api::client
