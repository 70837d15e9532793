// Accounts, as an administrator makes and ends them.
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::admin {
namespace {

using service::console::every_role;
using service::console::Role;

constexpr std::size_t longest_name = 256;

struct Parts {
  service::Users& users;
  service::Devices& devices;
  service::Profiles& profiles;
};

Result<service::NewUser> decode_new_user(json::Value body) {
  service::NewUser user;
  GIMS_TRY_ASSIGN(const auto localpart, json::required_string(body, "localpart"));
  GIMS_TRY_ASSIGN(const auto password, json::required_string(body, "password"));
  GIMS_TRY_ASSIGN(const auto name, json::optional_string(body, "display_name"));
  GIMS_TRY_ASSIGN(const auto must_change, json::optional_bool(body, "must_change_password"));
  if (name && name->size() > longest_name) {
    return service::too_large("A display name has at most 256 bytes.");
  }
  user.localpart = localpart;
  user.password = Redacted(std::string(password));
  if (name) user.display_name = std::string(*name);
  user.must_change_password = must_change.value_or(false);
  return user;
}

void add(service::Users& users, Call call) {
  auto user = decode_new_user(call.body());
  if (!user) return std::move(call).error(user.error());
  service::Actor actor = actor_of(call);
  users.create(std::move(*user), std::move(actor),
               answer<std::string>(std::move(call), [](const std::string& user_id) {
                 json::Writer out;
                 out.begin_object().member("user_id", user_id).end_object();
                 return out.take();
               }));
}

Result<std::string> list(service::Users& users, const Call& call) {
  GIMS_TRY_ASSIGN(const std::int64_t limit, limit_of(call));
  GIMS_TRY_ASSIGN(const auto page, users.page(call.query("after").value_or(""), limit));
  json::Writer out;
  out.begin_object().key("users").begin_array();
  for (const service::UserSummary& user : page) {
    out.begin_object().member("user_id", user.user_id);
    if (user.display_name) out.member("display_name", *user.display_name);
    out.member("state", service::name_of(user.state)).member("created_ts", user.created_ts);
    out.member("devices", user.devices);
    if (user.last_seen_ts) out.member("last_seen_ts", *user.last_seen_ts);
    out.end_object();
  }
  out.end_array();
  // A page that is not full is the last.
  if (std::cmp_equal(page.size(), limit)) out.member("next", page.back().user_id);
  out.end_object();
  return out.take();
}

Result<std::string> show(const Parts& parts, const Call& call) {
  GIMS_TRY_ASSIGN(const service::User user, user_of(parts.users, call));
  GIMS_TRY_ASSIGN(const auto devices, parts.devices.list(user.user_id));
  GIMS_TRY_ASSIGN(const auto profile, parts.profiles.all(user.user_id));
  json::Writer out;
  out.begin_object().member("user_id", user.user_id);
  for (const auto& [name, value] : profile) {
    if (name == "displayname") out.raw_member("display_name", value);
  }
  out.member("state", service::name_of(user.state)).member("created_ts", user.created_ts);
  out.member("must_change_password", user.must_change_password);
  out.key("devices").begin_array();
  for (const service::Device& device : devices) write_device(out, device);
  out.end_array().end_object();
  return out.take();
}

void set_state(service::Users& users, service::UserState state, Call call) {
  auto user = user_of(users, call);
  if (!user) return std::move(call).error(user.error());
  service::Actor actor = actor_of(call);
  users.set_state(std::move(user->user_id), state, std::move(actor), answer_empty(std::move(call)));
}

void reset(service::Users& users, Call call) {
  auto user = user_of(users, call);
  if (!user) return std::move(call).error(user.error());
  auto password = json::required_string(call.body(), "password");
  if (!password) return std::move(call).error(password.error());
  auto must_change = json::optional_bool(call.body(), "must_change_password");
  if (!must_change) return std::move(call).error(must_change.error());
  Redacted secret{std::string(*password)};
  service::Actor actor = actor_of(call);
  users.reset_password(std::move(user->user_id), std::move(secret), must_change->value_or(false),
                       std::move(actor), answer_empty(std::move(call)));
}

}  // namespace

Routes user_routes(service::Users& users, service::Devices& devices, service::Profiles& profiles) {
  using http::Method;
  using service::UserState;
  const Parts parts{users, devices, profiles};
  const auto to_state = [&users](UserState state) {
    return [&users, state](Call call) { set_state(users, state, std::move(call)); };
  };
  Routes routes;
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/users", BodyKind::json_object,
                               for_roles({Role::administrator}),
                               [&users](Call call) { add(users, std::move(call)); }));
  routes.push_back(admin_route(Method::get, "/_gims/admin/v1/users", BodyKind::none,
                               for_roles(every_role), [&users](Call call) {
                                 auto page = list(users, call);
                                 std::move(call).result(std::move(page));
                               }));
  routes.push_back(admin_route(Method::get, "/_gims/admin/v1/users/{userId}", BodyKind::none,
                               for_roles(every_role), [parts](Call call) {
                                 auto shown = show(parts, call);
                                 std::move(call).result(std::move(shown));
                               }));
  routes.push_back(admin_route(
      Method::post, "/_gims/admin/v1/users/{userId}/lock", BodyKind::json_object_or_empty,
      for_roles({Role::administrator, Role::security_officer}), to_state(UserState::locked)));
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/users/{userId}/unlock",
                               BodyKind::json_object_or_empty, for_roles({Role::administrator}),
                               to_state(UserState::active)));
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/users/{userId}/deactivate",
                               BodyKind::json_object_or_empty, for_fresh({Role::administrator}),
                               to_state(UserState::deactivated)));
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/users/{userId}/reset",
                               BodyKind::json_object, for_fresh({Role::administrator}),
                               [&users](Call call) { reset(users, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::admin
