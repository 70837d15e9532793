// Spec: client-server API, "Push Notifications": pushers, and the list of notifications.
#include <charconv>
#include <utility>

#include "api/client/room_calls.hpp"
#include "api/client/sync.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

using service::Notifications;
using service::Pushers;

Result<std::string> list_notifications(Notifications& notifications, const Call& call) {
  Notifications::Query query;
  GIMS_TRY_ASSIGN(query.from, query_number(call, "from"));
  GIMS_TRY_ASSIGN(query.limit, query_number(call, "limit"));
  const auto only = query_text(call, "only");
  query.only_highlight = only == "highlight";
  return notifications.list(call.caller().user_id, query);
}

}  // namespace

Routes pusher_routes(Pushers& pushers, Notifications& notifications) {
  Routes routes;
  routes.push_back(read_route("/_matrix/client/v3/pushers", [&pushers](const Call& call) {
    return pushers.list(call.caller().user_id);
  }));
  routes.push_back(while_suspended(write_route(
      http::Method::post, "/_matrix/client/v3/pushers/set", BodyKind::json_object, 2 * small_body,
      http::Run::on_loop, [&pushers](Call call) {
        auto user_id = call.caller().user_id;
        auto device_id = call.caller().device_id;
        const json::Value body = call.body();
        pushers.set(std::move(user_id), std::move(device_id), body, answer_done(std::move(call)));
      })));
  routes.push_back(read_route(
      "/_matrix/client/v3/notifications",
      [&notifications](const Call& call) { return list_notifications(notifications, call); }));
  return routes;
}

}  // namespace gims::api::client
