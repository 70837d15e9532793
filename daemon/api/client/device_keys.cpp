// Spec: client-server API, "Key management API".
#include <utility>
#include <vector>

#include "api/client/encryption.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{1024} * 1024;
// Of one request: all members of a large room.
constexpr std::size_t most_users = 10'000;
constexpr std::size_t most_claims = 10'000;

void upload(service::DeviceKeys& keys, Call call) {
  const Caller& caller = call.caller();
  auto decoded = service::DeviceKeys::decode_upload(call.body(), caller.user_id, caller.device_id);
  if (!decoded) return std::move(call).error(decoded.error());
  std::string user_id = caller.user_id;
  std::string device_id = caller.device_id;
  keys.upload(std::move(user_id), std::move(device_id), std::move(*decoded),
              answer_json(std::move(call)));
}

// How long to wait for other servers, of which there are none to ask yet.
Result<> check_timeout(json::Value body) {
  GIMS_TRY(json::optional_int(body, "timeout"));
  return {};
}

Result<std::vector<service::KeyQuery>> decode_query(json::Value body) {
  GIMS_TRY(check_timeout(body));
  GIMS_TRY_ASSIGN(const json::Value by_user, json::required_object(body, "device_keys"));
  if (by_user.size() > most_users) {
    return service::too_large("At most 10,000 users are asked for at a time.");
  }
  std::vector<service::KeyQuery> wanted;
  for (const auto [user_id, devices] : by_user.object()) {
    GIMS_TRY_ASSIGN(const auto ids, json::required_strings(by_user, user_id));
    wanted.push_back({.user_id = std::string(user_id), .device_ids = {ids.begin(), ids.end()}});
  }
  return wanted;
}

void query(service::DeviceKeys& keys, Call call) {
  auto wanted = decode_query(call.body());
  if (!wanted) return std::move(call).error(wanted.error());
  auto answer = keys.query(call.caller().user_id, *wanted);
  std::move(call).result(std::move(answer));
}

Result<std::vector<service::KeyClaim>> decode_claims(json::Value body) {
  GIMS_TRY(check_timeout(body));
  GIMS_TRY_ASSIGN(const json::Value by_user, json::required_object(body, "one_time_keys"));
  std::vector<service::KeyClaim> claims;
  GIMS_TRY(json::each_nested(
      by_user, "one_time_keys", most_claims,
      [&](std::string_view user_id, std::string_view device_id, json::Value algorithm) -> Result<> {
        if (!algorithm.is_string()) {
          return service::bad_json("one_time_keys names an algorithm for each device.");
        }
        claims.push_back({.user_id = std::string(user_id),
                          .device_id = std::string(device_id),
                          .algorithm = std::string(algorithm.string_or(""))});
        return {};
      }));
  return claims;
}

void claim(service::DeviceKeys& keys, Call call) {
  auto claims = decode_claims(call.body());
  if (!claims) return std::move(call).error(claims.error());
  std::string claimer = call.caller().user_id;
  keys.claim(std::move(claimer), std::move(*claims), answer_json(std::move(call)));
}

Route route(std::string_view path, RateClass rate, http::Run run,
            std::function<void(Call)> handler) {
  return {.method = http::Method::post,
          .door = http::Door::client,
          .path = path,
          .auth = Auth::token,
          .rate = rate,
          .body = BodyKind::json_object,
          .body_limit = body_limit,
          .run = run,
          .handler = std::move(handler)};
}

}  // namespace

Routes device_key_routes(service::DeviceKeys& keys) {
  Routes routes;
  routes.push_back(
      while_choosing(route("/_matrix/client/v3/keys/upload", RateClass::write, http::Run::on_loop,
                           [&keys](Call call) { upload(keys, std::move(call)); })));
  routes.push_back(
      while_choosing(route("/_matrix/client/v3/keys/query", RateClass::read, http::Run::on_pool,
                           [&keys](Call call) { query(keys, std::move(call)); })));
  routes.push_back(
      while_suspended(route("/_matrix/client/v3/keys/claim", RateClass::write, http::Run::on_loop,
                            [&keys](Call call) { claim(keys, std::move(call)); })));
  return routes;
}

}  // namespace gims::api::client
