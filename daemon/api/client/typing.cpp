// Spec: client-server API, "Typing Notifications". In memory alone.
#include <algorithm>
#include <chrono>
#include <utility>

#include "api/client/own_user.hpp"
#include "api/client/room_calls.hpp"
#include "api/client/sync.hpp"
#include "json/fields.hpp"

namespace gims::api::client {
namespace {

constexpr std::int64_t default_timeout = 20'000;
constexpr std::int64_t longest_timeout = 120'000;

Result<std::string> set_typing(service::sync::Feed& feed, service::Receipts& receipts,
                               const Clock& clock, const Call& call) {
  GIMS_TRY(require_own_user(call));
  GIMS_TRY_ASSIGN(const bool typing, json::required_bool(call.body(), "typing"));
  GIMS_TRY_ASSIGN(const auto timeout, json::optional_int(call.body(), "timeout"));
  const std::string_view room_id = call.param("roomId");
  GIMS_TRY_ASSIGN(const auto room, receipts.joined_room(call.caller().user_id, room_id));
  const auto now = clock.steady();
  const auto until =
      typing ? now + std::chrono::milliseconds(std::clamp(timeout.value_or(default_timeout),
                                                          std::int64_t{1}, longest_timeout))
             : now;
  feed.set_typing(room, room_id, call.caller().user_id, now, until);
  return "{}";
}

}  // namespace

Routes typing_routes(service::sync::Feed& feed, service::Receipts& receipts, const Clock& clock) {
  Routes routes;
  routes.push_back(write_route(
      http::Method::put, "/_matrix/client/v3/rooms/{roomId}/typing/{userId}", BodyKind::json_object,
      small_body, http::Run::on_pool, [&feed, &receipts, &clock](Call call) {
        auto outcome = set_typing(feed, receipts, clock, call);
        std::move(call).result(std::move(outcome));
      }));
  return routes;
}

}  // namespace gims::api::client
