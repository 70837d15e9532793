// Aliases and the list of rooms (spec: client-server API, "Room aliases", "Listing rooms"). Unlike
// in the spec a token is asked for everywhere: who is no officer learns of no room.
#include <utility>

#include "api/client/room_calls.hpp"
#include "api/client/rooms.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::client {

namespace {

using http::Method;
using http::Run;
using service::rooms::Directory;
using service::rooms::PublicRoomsQuery;
using service::rooms::RoomReads;
using service::rooms::Rooms;

constexpr std::string_view alias_path = "/_matrix/client/v3/directory/room/{roomAlias}";
constexpr std::string_view list_path = "/_matrix/client/v3/directory/list/room/{roomId}";
constexpr std::string_view public_rooms_path = "/_matrix/client/v3/publicRooms";

void put_alias(Rooms& rooms, Call call) {
  const auto room = json::required_string(call.body(), "room_id");
  if (!room) return std::move(call).error(room.error());
  auto actor = actor_of(call);
  auto alias = param_of(call, "roomAlias");
  std::string room_id(*room);
  rooms.add_alias(std::move(actor), std::move(alias), std::move(room_id),
                  answer_done(std::move(call)));
}

void delete_alias(Rooms& rooms, Call call) {
  auto actor = actor_of(call);
  auto alias = param_of(call, "roomAlias");
  rooms.remove_alias(std::move(actor), std::move(alias), answer_done(std::move(call)));
}

Result<bool> decode_visibility(json::Value body) {
  GIMS_TRY_ASSIGN(const auto visibility, json::optional_string(body, "visibility"));
  if (visibility && *visibility != "public" && *visibility != "private") {
    return service::invalid_param("visibility is public or private.");
  }
  return visibility.value_or("public") == "public";
}

void put_visibility(Rooms& rooms, Call call) {
  const auto listed = decode_visibility(call.body());
  if (!listed) return std::move(call).error(listed.error());
  auto actor = actor_of(call);
  auto room = param_of(call, "roomId");
  rooms.set_listed(std::move(actor), std::move(room), *listed, answer_done(std::move(call)));
}

Result<std::string> get_public_rooms(Directory& directory, const Call& call) {
  PublicRoomsQuery query;
  GIMS_TRY_ASSIGN(query.limit, query_number(call, "limit"));
  query.since = query_text(call, "since").value_or("");
  query.server = query_text(call, "server").value_or("");
  return directory.public_rooms(query);
}

Result<std::string> post_public_rooms(Directory& directory, const Call& call) {
  PublicRoomsQuery query;
  GIMS_TRY_ASSIGN(query.limit, json::optional_int(call.body(), "limit"));
  GIMS_TRY_ASSIGN(const auto since, json::optional_string(call.body(), "since"));
  query.since = since.value_or("");
  query.server = query_text(call, "server").value_or("");
  GIMS_TRY_ASSIGN(const json::Value filter, json::optional_object(call.body(), "filter"));
  GIMS_TRY_ASSIGN(const auto search, json::optional_string(filter, "generic_search_term"));
  query.search = search.value_or("");
  GIMS_TRY_ASSIGN(const json::Value types, json::optional_array(filter, "room_types"));
  if (types) query.room_types.emplace();
  for (const json::Value type : types.array()) {
    if (!type.is_null() && !type.is_string()) {
      return std::unexpected(json::wrong_type("room_types", "a list of strings and nulls"));
    }
    query.room_types->push_back(type.is_null() ? std::nullopt
                                               : std::optional(std::string(*type.as_string())));
  }
  return directory.public_rooms(query);
}

}  // namespace

Routes room_directory_routes(Rooms& rooms, RoomReads& reads, Directory& directory) {
  Routes routes;
  routes.push_back(read_route(alias_path, [&directory](const Call& call) {
    return directory.alias(call.param("roomAlias"));
  }));
  routes.push_back(write_route(Method::put, alias_path, BodyKind::json_object, small_body,
                               Run::on_loop,
                               [&rooms](Call call) { put_alias(rooms, std::move(call)); }));
  routes.push_back(write_route(Method::del, alias_path, BodyKind::none, 0, Run::on_loop,
                               [&rooms](Call call) { delete_alias(rooms, std::move(call)); }));
  routes.push_back(read_route(
      "/_matrix/client/v3/rooms/{roomId}/aliases",
      [&reads](const Call& call) { return reads.aliases(actor_of(call), call.param("roomId")); }));
  routes.push_back(read_route(list_path, [&directory](const Call& call) {
    return directory.visibility(call.caller().user_id, call.param("roomId"));
  }));
  routes.push_back(write_route(Method::put, list_path, BodyKind::json_object_or_empty, small_body,
                               Run::on_loop,
                               [&rooms](Call call) { put_visibility(rooms, std::move(call)); }));
  routes.push_back(read_route(public_rooms_path, [&directory](const Call& call) {
    return get_public_rooms(directory, call);
  }));
  routes.push_back(
      while_suspended(write_route(Method::post, public_rooms_path, BodyKind::json_object_or_empty,
                                  small_body, Run::on_pool, [&directory](Call call) {
                                    auto answer = post_public_rooms(directory, call);
                                    std::move(call).result(std::move(answer));
                                  })));
  return routes;
}

}  // namespace gims::api::client
