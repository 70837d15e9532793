// Spec: client-server API, "Account Management", "Adding Account Administrative Contact
// Information".
#include <array>
#include <utility>

#include "api/client/accounts.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{16} * 1024;
constexpr std::string_view not_unbound = R"({"id_server_unbind_result":"no-support"})";

struct Parts {
  service::Users& users;
  service::Sessions& sessions;
  service::InteractiveAuth& auth;
};

void set_password(const Parts& parts, std::string password, bool logout_others, Call call) {
  std::string user_id = call.caller().user_id;
  service::Sessions& sessions = parts.sessions;
  parts.users.set_password(
      user_id, Redacted(std::move(password)),
      [&sessions, logout_others, call = std::move(call)](Result<> changed) mutable {
        if (!changed) return std::move(call).error(changed.error());
        if (!logout_others) return std::move(call).reply_empty();
        std::string user = call.caller().user_id;
        std::string device = call.caller().device_id;
        sessions.logout_all(std::move(user), std::move(device), answer_empty(std::move(call)));
      });
}

void change_password(const Parts& parts, Call call) {
  const json::Value body = call.body();
  auto password = json::required_string(body, "new_password");
  if (!password) return std::move(call).error(password.error());
  auto logout = json::optional_bool(body, "logout_devices");
  if (!logout) return std::move(call).error(logout.error());
  std::string user_id = call.caller().user_id;
  const std::string& address = call.request().peer.address;
  parts.auth.check(service::AuthStage::password, std::move(user_id), address,
                   "POST /account/password", body.get("auth"),
                   [parts, password = std::string(*password), logout = logout->value_or(true),
                    call = std::move(call)](Result<> passed) mutable {
                     if (!passed) return std::move(call).error(passed.error());
                     set_password(parts, std::move(password), logout, std::move(call));
                   });
}

void deactivate(const Parts& parts, Call call) {
  const json::Value auth = call.body().get("auth");
  std::string user_id = call.caller().user_id;
  const std::string& address = call.request().peer.address;
  parts.auth.check(service::AuthStage::password, std::move(user_id), address,
                   "POST /account/deactivate", auth,
                   [parts, call = std::move(call)](Result<> passed) mutable {
                     if (!passed) return std::move(call).error(passed.error());
                     std::string user = call.caller().user_id;
                     service::Actor actor{.name = user, .origin = call.request().peer.address};
                     parts.users.set_state(
                         std::move(user), service::UserState::deactivated, std::move(actor),
                         answer<void>(std::move(call), [] { return std::string(not_unbound); }));
                   });
}

Result<std::string> removed_third_party(json::Value body) {
  GIMS_TRY_ASSIGN(const auto server, json::optional_string(body, "id_server"));
  GIMS_TRY_ASSIGN(const auto address, json::required_string(body, "address"));
  GIMS_TRY_ASSIGN(const auto medium, json::required_string(body, "medium"));
  static_cast<void>(server);
  static_cast<void>(address);
  if (medium != "email" && medium != "msisdn") {
    return service::invalid_param("The medium is email or msisdn.");
  }
  return std::string(not_unbound);
}

void remove_third_party(Call call) {
  auto outcome = removed_third_party(call.body());
  std::move(call).result(std::move(outcome));
}

void refuse_third_party(Call call) {
  std::move(call).error(fail(ErrorKind::forbidden, "M_THREEPID_DENIED",
                             "E-mail addresses and telephone numbers are not used here: this site "
                             "has no connection to an identity server.")
                            .error());
}

Route route(http::Method method, std::string_view path, Auth auth, RateClass rate, BodyKind body,
            std::function<void(Call)> handler) {
  return {.method = method,
          .door = http::Door::client,
          .path = path,
          .auth = auth,
          .rate = rate,
          .body = body,
          .body_limit = body == BodyKind::none ? 0 : body_limit,
          .run = http::Run::on_loop,
          .handler = std::move(handler)};
}

}  // namespace

Routes account_routes(service::Users& users, service::Sessions& sessions,
                      service::InteractiveAuth& auth) {
  using http::Method;
  const Parts parts{users, sessions, auth};
  Routes routes;
  routes.push_back(route(Method::post, "/_matrix/client/v3/account/password",
                         Auth::token_choosing_ok, RateClass::login, BodyKind::json_object,
                         [parts](Call call) { change_password(parts, std::move(call)); }));
  routes.push_back(route(Method::post, "/_matrix/client/v3/account/deactivate",
                         Auth::token_suspended_ok, RateClass::login, BodyKind::json_object_or_empty,
                         [parts](Call call) { deactivate(parts, std::move(call)); }));
  routes.push_back(route(Method::get, "/_matrix/client/v3/account/3pid", Auth::token,
                         RateClass::read, BodyKind::none,
                         [](Call call) { std::move(call).reply(R"({"threepids":[]})"); }));
  constexpr std::array refused = {
      std::pair{"/_matrix/client/v3/account/3pid/add", Auth::token},
      std::pair{"/_matrix/client/v3/account/3pid/bind", Auth::token},
      std::pair{"/_matrix/client/v3/account/3pid/email/requestToken", Auth::none},
      std::pair{"/_matrix/client/v3/account/3pid/msisdn/requestToken", Auth::none},
      std::pair{"/_matrix/client/v3/account/password/email/requestToken", Auth::none},
      std::pair{"/_matrix/client/v3/account/password/msisdn/requestToken", Auth::none},
      std::pair{"/_matrix/client/v3/register/email/requestToken", Auth::none},
      std::pair{"/_matrix/client/v3/register/msisdn/requestToken", Auth::none},
  };
  // No identifier was ever added, here or at an identity server: what could not be done at one is
  // what these two have to say.
  for (const char* path :
       {"/_matrix/client/v3/account/3pid/delete", "/_matrix/client/v3/account/3pid/unbind"}) {
    routes.push_back(route(Method::post, path, Auth::token, RateClass::write, BodyKind::json_object,
                           remove_third_party));
  }
  for (const auto& [path, needed] : refused) {
    routes.push_back(route(Method::post, path, needed, RateClass::login,
                           BodyKind::json_object_or_empty, refuse_third_party));
  }
  return routes;
}

}  // namespace gims::api::client
