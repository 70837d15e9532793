// Spec: client-server API, "Client Config" and "Room Tagging".
#include <utility>

#include "api/client/accounts.hpp"
#include "api/client/own_user.hpp"
#include "api/finish.hpp"
#include "json/edit.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "matrix/ids.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{1024} * 1024;
constexpr std::size_t longest_tag = 255;
constexpr std::string_view tag_type = "m.tag";

// The room that the path names, "" where it names none.
Result<std::string> room_of(const Call& call, bool in_room) {
  GIMS_TRY(require_own_user(call));
  if (!in_room) return std::string();
  std::string room_id(call.param("roomId"));
  if (!matrix::is_room_id(room_id)) {
    return service::invalid_param("The path does not name a room: \"!...\" is expected.");
  }
  return room_id;
}

void get(service::AccountData& data, Call call, bool in_room) {
  auto room_id = room_of(call, in_room);
  if (!room_id) return std::move(call).error(room_id.error());
  auto content = data.get(call.caller().user_id, *room_id, call.param("type"));
  std::move(call).result(std::move(content));
}

void put(service::AccountData& data, Call call, bool in_room) {
  auto room_id = room_of(call, in_room);
  if (!room_id) return std::move(call).error(room_id.error());
  std::string type(call.param("type"));
  if (type == "m.fully_read" || type == "m.push_rules") {
    return std::move(call).error(
        fail(ErrorKind::wrong_method, "M_BAD_JSON",
             "This account data is set through endpoints of its own: read markers, push rules.")
            .error());
  }
  std::string user_id = call.caller().user_id;
  std::string content = call.body().to_text();
  data.put(std::move(user_id), std::move(*room_id), std::move(type), std::move(content),
           answer_empty(std::move(call)));
}

void get_tags(service::AccountData& data, Call call) {
  auto room_id = room_of(call, true);
  if (!room_id) return std::move(call).error(room_id.error());
  auto content = data.get(call.caller().user_id, *room_id, tag_type);
  if (!content && content.error().kind == ErrorKind::not_found) {
    return std::move(call).reply(R"({"tags":{}})");
  }
  std::move(call).result(std::move(content));
}

// `tag_json` replaces the tag, nothing removes it.
Result<std::string> with_tag(std::string_view old, std::string_view tag,
                             std::optional<std::string_view> tag_json) {
  GIMS_TRY_ASSIGN(const json::Document document, json::Document::parse(old));
  const json::Change change{.key = tag, .json = tag_json};
  const std::string tags = json::changed(document.root().get("tags"), {&change, 1});
  return json::with_member(document.root(), "tags", tags);
}

void change_tag(service::AccountData& data, Call call, bool remove) {
  auto room_id = room_of(call, true);
  if (!room_id) return std::move(call).error(room_id.error());
  std::string tag(call.param("tag"));
  if (tag.empty() || tag.size() > longest_tag) {
    return std::move(call).error(service::invalid_param("A tag has 1 to 255 bytes.").error());
  }
  const json::Value order = call.body().get("order");
  if (!remove && order && !order.as_number()) {
    return std::move(call).error(json::wrong_type("order", "a number"));
  }
  std::optional<std::string> tag_json;
  if (!remove) tag_json = call.body().to_text();
  std::string user_id = call.caller().user_id;
  data.change(
      std::move(user_id), std::move(*room_id), std::string(tag_type),
      [tag = std::move(tag), tag_json = std::move(tag_json)](std::string_view old) {
        return with_tag(old, tag,
                        tag_json ? std::optional<std::string_view>(*tag_json) : std::nullopt);
      },
      answer_empty(std::move(call)));
}

Route route(http::Method method, std::string_view path, BodyKind body,
            std::function<void(Call)> handler) {
  return {.method = method,
          .door = http::Door::client,
          .path = path,
          .auth = Auth::token_choosing_ok,
          .rate = method == http::Method::get ? RateClass::read : RateClass::write,
          .body = body,
          .body_limit = body == BodyKind::none ? 0 : body_limit,
          .run = http::Run::on_loop,
          .handler = std::move(handler)};
}

}  // namespace

Routes account_data_routes(service::AccountData& data) {
  using http::Method;
  constexpr std::string_view global = "/_matrix/client/v3/user/{userId}/account_data/{type}";
  constexpr std::string_view of_room =
      "/_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}";
  constexpr std::string_view tags = "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags";
  constexpr std::string_view tag = "/_matrix/client/v3/user/{userId}/rooms/{roomId}/tags/{tag}";
  Routes routes;
  for (const bool in_room : {false, true}) {
    const std::string_view path = in_room ? of_room : global;
    routes.push_back(route(Method::get, path, BodyKind::none,
                           [&data, in_room](Call call) { get(data, std::move(call), in_room); }));
    routes.push_back(route(Method::put, path, BodyKind::json_object,
                           [&data, in_room](Call call) { put(data, std::move(call), in_room); }));
  }
  routes.push_back(route(Method::get, tags, BodyKind::none,
                         [&data](Call call) { get_tags(data, std::move(call)); }));
  routes.push_back(route(Method::put, tag, BodyKind::json_object,
                         [&data](Call call) { change_tag(data, std::move(call), false); }));
  routes.push_back(route(Method::del, tag, BodyKind::json_object_or_empty,
                         [&data](Call call) { change_tag(data, std::move(call), true); }));
  return routes;
}

}  // namespace gims::api::client
