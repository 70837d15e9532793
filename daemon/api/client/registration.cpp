// Spec: client-server API, "Account registration". Open on a test site only: officers get their
// accounts from an administrator (gimsctl user add).
#include <utility>

#include "api/client/accounts.hpp"
#include "api/client/signed_in.hpp"
#include "api/finish.hpp"
#include "crypto/random.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{16} * 1024;

struct Parts {
  service::Users& users;
  service::Sessions& sessions;
  service::InteractiveAuth& auth;
  const service::Policy& policy;
};

struct Registration {
  service::NewUser user;
  service::LoginRequest device;
  bool inhibit_login = false;
};

Result<Registration> decode(const Call& call) {
  if (call.query("kind").value_or("user") != "user") {
    return fail(ErrorKind::forbidden, "M_GUEST_ACCESS_FORBIDDEN", "There are no guests here.");
  }
  const json::Value body = call.body();
  Registration registration;
  GIMS_TRY_ASSIGN(const auto name, json::optional_string(body, "username"));
  registration.user.localpart =
      service::registered_localpart(name ? *name : std::string_view(crypto::random_device_id()));
  GIMS_TRY_ASSIGN(const auto password, json::optional_string(body, "password"));
  // The spec lets a client leave it out: then nobody knows it.
  registration.user.password =
      password ? Redacted(std::string(*password)) : crypto::random_token("");
  GIMS_TRY_ASSIGN(const auto inhibit, json::optional_bool(body, "inhibit_login"));
  registration.inhibit_login = inhibit.value_or(false);
  GIMS_TRY(decode_new_device(body, registration.device));
  return registration;
}

std::string user_id_json(const std::string& user_id) {
  json::Writer out;
  out.begin_object().member("user_id", user_id).end_object();
  return out.take();
}

std::unexpected<Error> closed() {
  return service::forbidden("Accounts are made by your administrator, not by registration.");
}

Result<> available(service::Users& users, std::string_view name) {
  GIMS_TRY_ASSIGN(const std::string id, users.full_id(name));
  GIMS_TRY_ASSIGN(const bool taken, users.exists(id));
  if (taken) return fail(ErrorKind::bad_input, "M_USER_IN_USE", "This user name is taken.");
  return {};
}

void create(const Parts& parts, Registration registration, Call call) {
  service::Sessions& sessions = parts.sessions;
  parts.users.create(std::move(registration.user), std::nullopt,
                     [&sessions, device = std::move(registration.device),
                      inhibit_login = registration.inhibit_login,
                      call = std::move(call)](Result<std::string> made) mutable {
                       if (!made) return std::move(call).error(made.error());
                       if (inhibit_login) return std::move(call).reply(user_id_json(*made));
                       sessions.sign_in(std::move(*made), std::move(device),
                                        answer<service::SignedIn>(std::move(call), signed_in_json));
                     });
}

void registration(const Parts& parts, Call call) {
  if (!parts.policy.open_registration) return std::move(call).error(closed().error());
  auto decoded = decode(call);
  if (!decoded) return std::move(call).error(decoded.error());
  // Told before the stages, so that nobody goes through them for a name that is taken.
  if (auto free = available(parts.users, decoded->user.localpart); !free) {
    return std::move(call).error(free.error());
  }
  const json::Value auth = call.body().get("auth");
  const std::string& address = call.request().peer.address;
  parts.auth.check(
      service::AuthStage::dummy, "", address, "POST /register", auth,
      [parts, decoded = std::move(*decoded), call = std::move(call)](Result<> passed) mutable {
        if (!passed) return std::move(call).error(passed.error());
        create(parts, std::move(decoded), std::move(call));
      });
}

void is_available(const Parts& parts, Call call) {
  if (!parts.policy.open_registration) return std::move(call).error(closed().error());
  const auto name = call.query("username");
  if (!name) return std::move(call).error(json::missing("username"));
  if (auto free = available(parts.users, service::registered_localpart(*name)); !free) {
    return std::move(call).error(free.error());
  }
  std::move(call).reply(R"({"available":true})");
}

}  // namespace

Routes registration_routes(service::Users& users, service::Sessions& sessions,
                           service::InteractiveAuth& auth, const service::Policy& policy) {
  const Parts parts{users, sessions, auth, policy};
  Routes routes;
  routes.push_back({.method = http::Method::post,
                    .door = http::Door::client,
                    .path = "/_matrix/client/v3/register",
                    .auth = Auth::none,
                    .rate = RateClass::login,
                    .body = BodyKind::json_object,
                    .body_limit = body_limit,
                    .run = http::Run::on_loop,
                    .handler = [parts](Call call) { registration(parts, std::move(call)); }});
  routes.push_back({.method = http::Method::get,
                    .door = http::Door::client,
                    .path = "/_matrix/client/v3/register/available",
                    .auth = Auth::none,
                    .rate = RateClass::login,
                    .body = BodyKind::none,
                    .body_limit = 0,
                    .run = http::Run::on_loop,
                    .handler = [parts](Call call) { is_available(parts, std::move(call)); }});
  return routes;
}

}  // namespace gims::api::client
