// An account's devices, as an administrator sees and ends them.
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"

namespace gims::api::admin {
namespace {

using service::console::every_role;
using service::console::Role;

Result<std::string> list(service::Users& users, service::Devices& devices, const Call& call) {
  GIMS_TRY_ASSIGN(const service::User user, user_of(users, call));
  GIMS_TRY_ASSIGN(const auto found, devices.list(user.user_id));
  json::Writer out;
  out.begin_object().key("devices").begin_array();
  for (const service::Device& device : found) write_device(out, device);
  out.end_array().end_object();
  return out.take();
}

void revoke(service::Users& users, service::Devices& devices, Call call) {
  auto user = user_of(users, call);
  if (!user) return std::move(call).error(user.error());
  std::string device_id(call.param("deviceId"));
  service::Actor actor = actor_of(call);
  devices.revoke(std::move(user->user_id), std::move(device_id), std::move(actor),
                 answer_empty(std::move(call)));
}

}  // namespace

Routes device_routes(service::Users& users, service::Devices& devices) {
  Routes routes;
  routes.push_back(admin_route(http::Method::get, "/_gims/admin/v1/users/{userId}/devices",
                               BodyKind::none, for_roles(every_role),
                               [&users, &devices](Call call) {
                                 auto found = list(users, devices, call);
                                 std::move(call).result(std::move(found));
                               }));
  routes.push_back(
      admin_route(http::Method::del, "/_gims/admin/v1/users/{userId}/devices/{deviceId}",
                  BodyKind::none, for_roles({Role::administrator, Role::security_officer}),
                  [&users, &devices](Call call) { revoke(users, devices, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::admin
