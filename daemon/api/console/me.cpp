// One's own means of signing in, and the language of one's console.
#include <algorithm>
#include <utility>

#include "api/console/asked.hpp"
#include "api/console/console.hpp"
#include "api/console/decode.hpp"
#include "api/console/encode.hpp"
#include "api/console/languages.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::console {
namespace {

using service::console::Administrators;
using service::console::every_role;
using service::console::Me;
using service::console::Session;

constexpr std::size_t longest_passphrase = 256;

std::string me_json(const Me& me) {
  json::Writer out;
  out.begin_object().member("name", me.name).key("roles");
  write_roles(out, me.roles);
  out.member("language", me.standing.account.language).key("credentials").begin_array();
  for (const auto& key : me.standing.keys) {
    out.begin_object().member("credential_id", key.id).member("label", key.label);
    out.member("added_ts", key.added_ts);
    if (key.last_used_ts) out.member("last_used_ts", *key.last_used_ts);
    out.end_object();
  }
  out.end_array();
  out.member("totp", me.standing.account.totp_secret.has_value());
  out.end_object();
  return out.take();
}

Result<std::string> show(Administrators& administrators, const Session& session) {
  GIMS_TRY_ASSIGN(const Me me, administrators.me(session));
  return me_json(me);
}

void set_passphrase(Administrators& administrators, Call call) {
  const auto good = only(call.body(), {"passphrase"});
  if (!good) return std::move(call).error(good.error());
  const auto passphrase = text_of(call.body(), "passphrase", longest_passphrase * 4);
  if (!passphrase) return std::move(call).error(passphrase.error());
  const Session session = session_of(call);
  Redacted secret{std::string(*passphrase)};
  administrators.set_passphrase(session, std::move(secret), answer_empty(std::move(call)));
}

Result<std::string> decode_language(json::Value body) {
  GIMS_TRY(only(body, {"language"}));
  GIMS_TRY_ASSIGN(const std::string_view language, json::required_string(body, "language"));
  if (!std::ranges::contains(languages, language)) {
    return service::invalid_param("The console does not know this language.");
  }
  return std::string(language);
}

void set_language(Administrators& administrators, Call call) {
  auto language = decode_language(call.body());
  if (!language) return std::move(call).error(language.error());
  const Session session = session_of(call);
  administrators.set_language(session, std::move(*language), answer_empty(std::move(call)));
}

Result<std::string> begin_factor(Administrators& administrators, const Call& call,
                                 std::string_view site) {
  GIMS_TRY(only(call.body(), {"factor"}));
  GIMS_TRY_ASSIGN(const auto kind, decode_factor_kind(call.body()));
  GIMS_TRY_ASSIGN(const auto options, administrators.begin_factor(session_of(call), kind));
  return options_json(options, site);
}

void add_factor(Administrators& administrators, Call call) {
  auto factor = decode_new_factor(call.body());
  if (!factor) return std::move(call).error(factor.error());
  const Session session = session_of(call);
  administrators.add_factor(session, std::move(*factor), answer<Me>(std::move(call), me_json));
}

void remove_key(Administrators& administrators, Call call) {
  const Session session = session_of(call);
  std::string id(call.param("credentialId"));
  administrators.remove_key(session, std::move(id), answer_empty(std::move(call)));
}

void remove_totp(Administrators& administrators, Call call) {
  const Session session = session_of(call);
  administrators.remove_totp(session, answer_empty(std::move(call)));
}

}  // namespace

Routes me_routes(Administrators& administrators, std::string server_name) {
  using http::Method;
  const ConsoleAccess all = for_roles(every_role);
  const ConsoleAccess fresh = for_fresh(every_role);
  const auto with = [&administrators](void (*run)(Administrators&, Call)) {
    return [&administrators, run](Call call) { run(administrators, std::move(call)); };
  };
  Routes routes;
  routes.push_back(session_route(Method::get, "/_gims/admin/v1/me", BodyKind::none, all,
                                 [&administrators](Call call) {
                                   auto json = show(administrators, session_of(call));
                                   std::move(call).result(std::move(json));
                                 }));
  routes.push_back(session_route(Method::post, "/_gims/admin/v1/me/passphrase",
                                 BodyKind::json_object, fresh, with(&set_passphrase)));
  routes.push_back(session_route(Method::put, "/_gims/admin/v1/me/language", BodyKind::json_object,
                                 all, with(&set_language)));
  routes.push_back(session_route(Method::post, "/_gims/admin/v1/me/factors/start",
                                 BodyKind::json_object, fresh,
                                 [&administrators, site = std::move(server_name)](Call call) {
                                   auto options = begin_factor(administrators, call, site);
                                   std::move(call).result(std::move(options));
                                 }));
  routes.push_back(session_route(Method::post, "/_gims/admin/v1/me/factors/finish",
                                 BodyKind::json_object, fresh, with(&add_factor)));
  routes.push_back(session_route(Method::del, "/_gims/admin/v1/me/factors/webauthn/{credentialId}",
                                 BodyKind::none, fresh, with(&remove_key)));
  routes.push_back(session_route(Method::del, "/_gims/admin/v1/me/factors/totp", BodyKind::none,
                                 fresh, with(&remove_totp)));
  return routes;
}

}  // namespace gims::api::console
