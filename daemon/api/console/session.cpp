// Sessions at the console's door: whose it is, both factors once more, signing out.
#include <memory>
#include <utility>

#include "api/console/asked.hpp"
#include "api/console/console.hpp"
#include "api/console/cookie.hpp"
#include "api/console/decode.hpp"
#include "api/console/encode.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"

namespace gims::api::console {
namespace {

using service::console::every_role;
using service::console::Role;
using service::console::SecondStep;
using service::console::Session;

constexpr std::size_t longest_passphrase = 256;
constexpr std::size_t longest_token = 64;

struct Parts {
  service::console::SignIn& sign_in;
  service::console::Sessions& sessions;
  service::console::Administrators& administrators;
  std::string site;
};

// The gate found the session by the cookie.
std::string shown(const Parts& parts, const Call& call,
                  const service::console::SessionStanding& is) {
  const Redacted csrf = parts.sessions.csrf_token(cookie_of(call.request()).value_or(""));
  return session_json(is, csrf.reveal());
}

Result<std::string> show(const Parts& parts, const Call& call) {
  GIMS_TRY_ASSIGN(auto me, parts.administrators.me(session_of(call)));
  return shown(
      parts, call,
      {.session = session_of(call), .roles = me.roles, .standing = std::move(me.standing)});
}

std::string list_json(const Parts& parts, const Call& call) {
  const Session& own = session_of(call);
  const bool all = call.caller().roles.any_of({Role::administrator});
  json::Writer out;
  out.begin_object().key("sessions").begin_array();
  for (const Session& one : parts.sessions.list()) {
    if (!all && one.name != own.name) continue;
    out.begin_object().member("session_id", one.id).member("name", one.name);
    out.member("origin", one.where.address).member("agent", one.where.agent);
    out.member("factor", service::console::name_of(one.factor));
    out.member("signed_in_ts", one.signed_in_ts).member("last_seen_ts", one.last_seen_ts);
    out.member("expires_ts", one.expires_ts()).member("current", one.id == own.id).end_object();
  }
  out.end_array().end_object();
  return out.take();
}

void sign_out(const Parts& parts, Call call) {
  const Session session = session_of(call);
  parts.sign_in.sign_out(session, [call = std::move(call)](Result<> done) mutable {
    if (!done) return std::move(call).error(done.error());
    http::Response response;
    response.headers.emplace_back("Set-Cookie", drop_cookie());
    response.body = std::string("{}");
    std::move(call).send(std::move(response));
  });
}

void revoke(const Parts& parts, Call call) {
  const Session session = session_of(call);
  const bool any = call.caller().roles.any_of({Role::administrator});
  std::string id(call.param("sessionId"));
  parts.sign_in.revoke(session, std::move(id), any, answer_empty(std::move(call)));
}

void start_fresh(const Parts& parts, Call call) {
  const json::Value body = call.body();
  const auto good = only(body, {"passphrase"});
  if (!good) return std::move(call).error(good.error());
  const auto passphrase = text_of(body, "passphrase", longest_passphrase * 4);
  if (!passphrase) return std::move(call).error(passphrase.error());
  const Session session = session_of(call);
  Redacted secret{std::string(*passphrase)};
  parts.sign_in.start_fresh(
      session, std::move(secret),
      answer<SecondStep>(std::move(call), [site = parts.site](const SecondStep& step) {
        return step_json(step, "fresh", site);
      }));
}

Result<std::pair<std::string, service::console::Factor>> decode_fresh(json::Value body) {
  GIMS_TRY(only(body, {"fresh", "factor"}));
  GIMS_TRY_ASSIGN(const std::string_view token, text_of(body, "fresh", longest_token));
  GIMS_TRY_ASSIGN(const json::Value factor, json::required_object(body, "factor"));
  GIMS_TRY_ASSIGN(auto made, decode_factor(factor));
  return std::pair(std::string(token), std::move(made));
}

void finish_fresh(const Parts& parts, Call call) {
  auto asked = decode_fresh(call.body());
  if (!asked) return std::move(call).error(asked.error());
  const Session session = session_of(call);
  parts.sign_in.finish_fresh(
      session, std::move(asked->first), std::move(asked->second),
      [&parts, call = std::move(call)](Result<service::console::SessionStanding> fresh) mutable {
        if (!fresh) return std::move(call).error(fresh.error());
        auto json = shown(parts, call, *fresh);
        std::move(call).reply(std::move(json));
      });
}

}  // namespace

Routes session_routes(service::console::SignIn& sign_in, service::console::Sessions& sessions,
                      service::console::Administrators& administrators, std::string server_name) {
  const auto parts = std::make_shared<const Parts>(
      Parts{sign_in, sessions, administrators, std::move(server_name)});
  const auto with = [&parts](void (*run)(const Parts&, Call)) {
    return [parts, run](Call call) { run(*parts, std::move(call)); };
  };
  using http::Method;
  const ConsoleAccess all = for_roles(every_role);
  Routes routes;
  routes.push_back(session_route(Method::get, "/_gims/admin/v1/session", BodyKind::none, all,
                                 [parts](Call call) {
                                   auto json = show(*parts, call);
                                   std::move(call).result(std::move(json));
                                 }));
  routes.push_back(
      session_route(Method::del, "/_gims/admin/v1/session", BodyKind::none, all, with(&sign_out)));
  routes.push_back(session_route(Method::get, "/_gims/admin/v1/sessions", BodyKind::none, all,
                                 [parts](Call call) {
                                   auto json = list_json(*parts, call);
                                   std::move(call).reply(std::move(json));
                                 }));
  routes.push_back(session_route(Method::del, "/_gims/admin/v1/sessions/{sessionId}",
                                 BodyKind::none, all, with(&revoke)));
  routes.push_back(session_route(Method::post, "/_gims/admin/v1/session/fresh/start",
                                 BodyKind::json_object, all, with(&start_fresh)));
  routes.push_back(session_route(Method::post, "/_gims/admin/v1/session/fresh/finish",
                                 BodyKind::json_object, all, with(&finish_fresh)));
  return routes;
}

}  // namespace gims::api::console
