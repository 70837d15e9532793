// Spec: client-server API, "Presence". This server tells nobody who is at a device: what a user
// sets is taken and kept nowhere, and everybody is offline.
#include <utility>

#include "api/client/own_user.hpp"
#include "api/client/room_calls.hpp"
#include "api/client/sync.hpp"
#include "json/fields.hpp"
#include "matrix/ids.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

Result<std::string> set_status(const Call& call) {
  GIMS_TRY(require_own_user(call));
  GIMS_TRY_ASSIGN(const auto presence, json::required_string(call.body(), "presence"));
  if (presence != "online" && presence != "offline" && presence != "unavailable") {
    return service::invalid_param("presence is one of online, offline, unavailable.");
  }
  GIMS_TRY_ASSIGN(const auto message, json::optional_string(call.body(), "status_msg"));
  static_cast<void>(message);
  return "{}";
}

}  // namespace

Routes presence_routes() {
  Routes routes;
  constexpr std::string_view path = "/_matrix/client/v3/presence/{userId}/status";
  routes.push_back(read_route(path, [](const Call& call) -> Result<std::string> {
    if (!matrix::is_user_id(call.param("userId"))) {
      return service::invalid_param("The path does not name a user: \"@...\" is expected.");
    }
    return R"({"presence":"offline"})";
  }));
  routes.push_back(write_route(http::Method::put, path, BodyKind::json_object, small_body,
                               http::Run::on_loop, [](Call call) {
                                 auto outcome = set_status(call);
                                 std::move(call).result(std::move(outcome));
                               }));
  return routes;
}

}  // namespace gims::api::client
