// Spec: client-server API, "Login", "Refreshing access tokens", "Logout", "Current account
// information".
#include <utility>

#include "api/client/accounts.hpp"
#include "api/client/signed_in.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{16} * 1024;

service::Origin origin_of(const Call& call) {
  return {.address = call.request().peer.address,
          .agent = call.request().header("User-Agent").value_or("")};
}

void login(service::Sessions& sessions, Call call) {
  auto request = decode_login(call.body());
  if (!request) return std::move(call).error(request.error());
  const service::Origin origin = origin_of(call);
  sessions.login(std::move(*request), origin,
                 answer<service::SignedIn>(std::move(call), signed_in_json));
}

void refresh(service::Sessions& sessions, Call call) {
  auto token = json::required_string(call.body(), "refresh_token");
  if (!token) return std::move(call).error(token.error());
  sessions.refresh(Redacted(std::string(*token)),
                   answer<service::SignedIn>(std::move(call), refreshed_json));
}

void whoami(Call call) {
  json::Writer out;
  out.begin_object().member("user_id", call.caller().user_id);
  out.member("device_id", call.caller().device_id).member("is_guest", false).end_object();
  std::move(call).reply(out.take());
}

}  // namespace

Routes session_routes(service::Sessions& sessions) {
  using http::Method;
  const auto route = [](Method method, std::string_view path, Auth auth, RateClass rate,
                        BodyKind body, std::function<void(Call)> handler) {
    return Route{.method = method,
                 .door = http::Door::client,
                 .path = path,
                 .auth = auth,
                 .rate = rate,
                 .body = body,
                 .body_limit = body_limit,
                 .run = http::Run::on_loop,
                 .handler = std::move(handler)};
  };
  Routes routes;
  routes.push_back(route(
      Method::get, "/_matrix/client/v3/login", Auth::none, RateClass::read, BodyKind::none,
      [](Call call) { std::move(call).reply(R"({"flows":[{"type":"m.login.password"}]})"); }));
  routes.push_back(route(Method::post, "/_matrix/client/v3/login", Auth::none, RateClass::login,
                         BodyKind::json_object,
                         [&sessions](Call call) { login(sessions, std::move(call)); }));
  routes.push_back(route(Method::post, "/_matrix/client/v3/refresh", Auth::none, RateClass::login,
                         BodyKind::json_object,
                         [&sessions](Call call) { refresh(sessions, std::move(call)); }));
  routes.push_back(route(Method::post, "/_matrix/client/v3/logout", Auth::token_locked_ok,
                         RateClass::write, BodyKind::json_object_or_empty, [&sessions](Call call) {
                           service::Session session{.user_id = call.caller().user_id,
                                                    .device_id = call.caller().device_id};
                           sessions.logout(std::move(session), answer_empty(std::move(call)));
                         }));
  routes.push_back(route(Method::post, "/_matrix/client/v3/logout/all", Auth::token_locked_ok,
                         RateClass::write, BodyKind::json_object_or_empty, [&sessions](Call call) {
                           std::string user_id = call.caller().user_id;
                           sessions.logout_all(std::move(user_id), std::nullopt,
                                               answer_empty(std::move(call)));
                         }));
  routes.push_back(route(Method::get, "/_matrix/client/v3/account/whoami", Auth::token_choosing_ok,
                         RateClass::read, BodyKind::none, whoami));
  return routes;
}

}  // namespace gims::api::client
