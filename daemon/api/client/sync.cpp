// Spec: client-server API, "Syncing".
#include "api/client/sync.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "api/client/room_calls.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"
#include "service/tokens.hpp"

namespace gims::api::client {
namespace {

using service::sync::Sync;
using service::sync::SyncRequest;

struct Decoded {
  SyncRequest request;
  std::chrono::milliseconds timeout;
};

Result<Decoded> decode(const Call& call, service::Filters& filters) {
  Decoded decoded{.request = {.user_id = call.caller().user_id,
                              .device_id = call.caller().device_id,
                              .since = std::nullopt,
                              .filter = nullptr},
                  .timeout = {}};
  if (const auto since = call.query("since"); since && !since->empty()) {
    GIMS_TRY_ASSIGN(decoded.request.since, service::parse_stream_token(*since));
  }
  GIMS_TRY_ASSIGN(decoded.request.filter,
                  filters.resolve(decoded.request.user_id, call.query("filter").value_or("")));
  GIMS_TRY_ASSIGN(const auto full_state, query_bool(call, "full_state"));
  decoded.request.full_state = full_state.value_or(false);
  GIMS_TRY_ASSIGN(const auto state_after, query_bool(call, "use_state_after"));
  // Clients that came before the spec's 1.16 ask by the name of the proposal, and look for that.
  GIMS_TRY_ASSIGN(const auto unstable, query_bool(call, "org.matrix.msc4222.use_state_after"));
  decoded.request.use_state_after = state_after.value_or(false) || unstable.value_or(false);
  decoded.request.unstable_state_after = unstable.value_or(false) && !state_after.value_or(false);
  GIMS_TRY_ASSIGN(const auto timeout, query_number(call, "timeout"));
  constexpr std::int64_t longest = 24LL * 60 * 60 * 1000;
  decoded.timeout =
      std::chrono::milliseconds(std::clamp(timeout.value_or(0), std::int64_t{0}, longest));
  const auto presence = call.query("set_presence").value_or("online");
  if (presence != "online" && presence != "offline" && presence != "unavailable") {
    return service::invalid_param("set_presence is one of online, offline, unavailable.");
  }
  return decoded;
}

void run(Sync& sync, service::Filters& filters, Call call) {
  auto decoded = decode(call, filters);
  if (!decoded) return std::move(call).error(decoded.error());
  const Sync::Ticket ticket = sync.ticket(decoded->request.user_id);
  call.on_gone([&sync, ticket] { sync.gone(ticket); });
  sync.run(std::move(decoded->request), decoded->timeout, ticket,
           [call = std::move(call)](Result<http::Chain> body) mutable {
             if (!body) return std::move(call).error(body.error());
             http::Response response;
             response.body = std::move(*body);
             std::move(call).send(std::move(response));
           });
}

Result<std::string> key_changes(Sync& sync, const Call& call) {
  const auto from = call.query("from");
  const auto to = call.query("to");
  if (!from) return std::unexpected(json::missing("from"));
  if (!to) return std::unexpected(json::missing("to"));
  SyncRequest request{.user_id = call.caller().user_id,
                      .device_id = call.caller().device_id,
                      .since = std::nullopt,
                      .filter = std::make_shared<service::sync::Filter>()};
  GIMS_TRY_ASSIGN(request.since, service::parse_stream_token(*from));
  GIMS_TRY(service::parse_stream_token(*to));
  GIMS_TRY_ASSIGN(const service::sync::DeviceLists lists, sync.changed_devices(request));
  json::Writer out;
  out.begin_object().key("changed").begin_array();
  for (const std::string& user_id : lists.changed) out.value(user_id);
  out.end_array().key("left").begin_array();
  for (const std::string& user_id : lists.left) out.value(user_id);
  out.end_array().end_object();
  return out.take();
}

}  // namespace

Routes sync_routes(Sync& sync, service::Filters& filters) {
  return {{.method = http::Method::get,
           .door = http::Door::client,
           .path = "/_matrix/client/v3/sync",
           .auth = Auth::token_choosing_ok,
           .rate = RateClass::sync,
           .body = BodyKind::none,
           .body_limit = 0,
           .run = http::Run::on_pool,
           .handler = [&sync, &filters](Call call) { run(sync, filters, std::move(call)); }},
          while_choosing(read_route("/_matrix/client/v3/keys/changes", [&sync](const Call& call) {
            return key_changes(sync, call);
          }))};
}

}  // namespace gims::api::client
