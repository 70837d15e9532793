// Devices, as an administrator sees, locks and ends them.
#include <array>
#include <string>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"

namespace gims::api::admin {
namespace {

using service::SiteDevice;
using service::SiteDevices;

constexpr std::array<std::string_view, 1> of_act{"reason"};

Result<std::string> list(SiteDevices& devices, const Call& call) {
  service::DeviceQuery query;
  query.after = call.query("after").value_or("");
  query.text = call.query("q").value_or("");
  GIMS_TRY_ASSIGN(query.count, limit_of(call));
  GIMS_TRY_ASSIGN(query.unit_id, optional_id(call, "unit"));
  if (const auto state = call.query("state")) {
    GIMS_TRY_ASSIGN(query.state, service::device_state_named(*state));
  }
  GIMS_TRY_ASSIGN(const auto page, devices.page(query));
  json::Writer out;
  out.begin_object().key("devices").begin_array();
  for (const SiteDevice& device : page.devices) {
    out.begin_object().member("user_id", device.user_id).key("device");
    write_device(out, device);
    out.end_object();
  }
  out.end_array();
  if (!page.next.empty()) out.member("next", page.next);
  out.end_object();
  return out.take();
}

Result<std::string> list_of_user(service::Users& users, SiteDevices& devices, const Call& call) {
  GIMS_TRY_ASSIGN(const service::User user, user_of(users, call));
  GIMS_TRY_ASSIGN(const auto found, devices.of_user(user.user_id));
  json::Writer out;
  out.begin_object().key("devices").begin_array();
  for (const SiteDevice& device : found) write_device(out, device);
  out.end_array().end_object();
  return out.take();
}

enum class Act : std::uint8_t { revoke, wipe, lock, unlock };

void act_on(service::Users& users, SiteDevices& devices, Act act, Call call) {
  auto user = user_of(users, call);
  if (!user) return std::move(call).error(user.error());
  if (const auto known = only_members(call.body(), of_act); !known) {
    return std::move(call).error(known.error());
  }
  auto reason = reason_of(call.body());
  if (!reason) return std::move(call).error(reason.error());
  std::string device_id(call.param("deviceId"));
  service::Actor actor = actor_of(call);
  if (act == Act::revoke || act == Act::wipe) {
    return devices.end(std::move(user->user_id), std::move(device_id), act == Act::wipe,
                       std::move(*reason), std::move(actor), answer_empty(std::move(call)));
  }
  devices.set_locked(std::move(user->user_id), std::move(device_id), act == Act::lock,
                     std::move(*reason), std::move(actor), answer_empty(std::move(call)));
}

}  // namespace

Routes device_routes(service::Users& users, SiteDevices& devices) {
  using http::Method;
  Routes routes;
  routes.push_back(
      admin_route(Method::get, "/_gims/admin/v1/devices", BodyKind::none, [&devices](Call call) {
        auto found = list(devices, call);
        std::move(call).result(std::move(found));
      }));
  routes.push_back(admin_route(Method::get, "/_gims/admin/v1/users/{userId}/devices",
                               BodyKind::none, [&users, &devices](Call call) {
                                 auto found = list_of_user(users, devices, call);
                                 std::move(call).result(std::move(found));
                               }));
  const auto add = [&](Method method, std::string_view path, BodyKind body, Act act) {
    routes.push_back(admin_route(method, path, body, [&users, &devices, act](Call call) {
      act_on(users, devices, act, std::move(call));
    }));
  };
  add(Method::del, "/_gims/admin/v1/users/{userId}/devices/{deviceId}", BodyKind::none,
      Act::revoke);
  add(Method::post, "/_gims/admin/v1/users/{userId}/devices/{deviceId}/wipe",
      BodyKind::json_object_or_empty, Act::wipe);
  add(Method::post, "/_gims/admin/v1/users/{userId}/devices/{deviceId}/lock",
      BodyKind::json_object_or_empty, Act::lock);
  add(Method::post, "/_gims/admin/v1/users/{userId}/devices/{deviceId}/unlock",
      BodyKind::json_object_or_empty, Act::unlock);
  return routes;
}

}  // namespace gims::api::admin
