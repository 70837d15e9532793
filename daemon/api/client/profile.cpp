// Spec: client-server API, "Profiles" (1.16: with fields of any name).
#include <utility>

#include "api/client/accounts.hpp"
#include "api/client/own_user.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{80} * 1024;

void get_all(service::Profiles& profiles, Call call) {
  auto fields = profiles.all(call.param("userId"));
  if (!fields) return std::move(call).error(fields.error());
  json::Writer out;
  out.begin_object();
  for (const auto& [name, value] : *fields) out.raw_member(name, value);
  out.end_object();
  std::move(call).reply(out.take());
}

void get_field(service::Profiles& profiles, Call call) {
  auto value = profiles.field(call.param("userId"), call.param("keyName"));
  if (!value) return std::move(call).error(value.error());
  json::Writer out;
  out.begin_object().raw_member(call.param("keyName"), *value).end_object();
  std::move(call).reply(out.take());
}

void set_field(service::Profiles& profiles, Call call, bool remove) {
  if (auto own = require_own_user(call); !own) return std::move(call).error(own.error());
  std::string name(call.param("keyName"));
  std::optional<std::string> json;
  if (!remove) {
    const json::Value value = call.body().get(name);
    if (!value) return std::move(call).error(json::missing(name));
    json = value.to_text();
    // Clients clear a name or a picture by an empty string or null.
    if (value.is_null() && (name == "displayname" || name == "avatar_url")) json.reset();
  }
  std::string user_id = call.caller().user_id;
  profiles.set(std::move(user_id), std::move(name), std::move(json), answer_empty(std::move(call)));
}

}  // namespace

Routes profile_routes(service::Profiles& profiles, const service::Policy& policy) {
  using http::Method;
  const auto route = [](Method method, std::string_view path, Auth auth, BodyKind body,
                        std::function<void(Call)> handler) {
    return Route{.method = method,
                 .door = http::Door::client,
                 .path = path,
                 .auth = auth,
                 .rate = method == Method::get ? RateClass::read : RateClass::write,
                 .body = body,
                 .body_limit = body == BodyKind::none ? 0 : body_limit,
                 .run = http::Run::on_loop,
                 .handler = std::move(handler)};
  };
  constexpr std::string_view field = "/_matrix/client/v3/profile/{userId}/{keyName}";
  Routes routes;
  // The specification leaves these two open to anybody; names and posts of officers are not for the
  // stranger on the Wi-Fi (docs/architecture.md).
  const Auth readers = policy.public_profiles ? Auth::none : Auth::token_choosing_ok;
  routes.push_back(route(Method::get, "/_matrix/client/v3/profile/{userId}", readers,
                         BodyKind::none,
                         [&profiles](Call call) { get_all(profiles, std::move(call)); }));
  routes.push_back(route(Method::get, field, readers, BodyKind::none,
                         [&profiles](Call call) { get_field(profiles, std::move(call)); }));
  routes.push_back(route(Method::put, field, Auth::token, BodyKind::json_object,
                         [&profiles](Call call) { set_field(profiles, std::move(call), false); }));
  routes.push_back(route(Method::del, field, Auth::token, BodyKind::json_object_or_empty,
                         [&profiles](Call call) { set_field(profiles, std::move(call), true); }));
  return routes;
}

}  // namespace gims::api::client
