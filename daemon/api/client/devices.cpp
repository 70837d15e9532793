// Spec: client-server API, "Device Management".
#include <utility>

#include "api/client/accounts.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{64} * 1024;
constexpr std::size_t most_deleted = 1000;

struct Parts {
  service::Devices& devices;
  service::InteractiveAuth& auth;
};

void write_device(json::Writer& out, const service::Device& device) {
  out.begin_object().member("device_id", device.device_id);
  if (device.display_name) out.member("display_name", *device.display_name);
  if (device.last_seen_ip) out.member("last_seen_ip", *device.last_seen_ip);
  if (device.last_seen_ts) out.member("last_seen_ts", *device.last_seen_ts);
  out.end_object();
}

void list(service::Devices& devices, Call call) {
  auto found = devices.list(call.caller().user_id);
  if (!found) return std::move(call).error(found.error());
  json::Writer out;
  out.begin_object().key("devices").begin_array();
  for (const service::Device& device : *found) write_device(out, device);
  out.end_array().end_object();
  std::move(call).reply(out.take());
}

void get(service::Devices& devices, Call call) {
  auto found = devices.find(call.caller().user_id, call.param("deviceId"));
  if (!found) return std::move(call).error(found.error());
  json::Writer out;
  write_device(out, *found);
  std::move(call).reply(out.take());
}

void rename(service::Devices& devices, Call call) {
  auto name = json::optional_string(call.body(), "display_name");
  if (!name) return std::move(call).error(name.error());
  std::string user_id = call.caller().user_id;
  std::string device_id(call.param("deviceId"));
  std::optional<std::string> new_name;
  if (*name) new_name = std::string(**name);
  devices.rename(std::move(user_id), std::move(device_id), std::move(new_name),
                 answer_empty(std::move(call)));
}

void remove_after_auth(const Parts& parts, std::vector<std::string> ids, std::string_view operation,
                       Call call) {
  const json::Value auth = call.body().get("auth");
  std::string user_id = call.caller().user_id;
  const std::string& address = call.request().peer.address;
  parts.auth.check(service::AuthStage::password, std::move(user_id), address, operation, auth,
                   [parts, ids = std::move(ids), call = std::move(call)](Result<> passed) mutable {
                     if (!passed) return std::move(call).error(passed.error());
                     std::string user = call.caller().user_id;
                     parts.devices.remove(std::move(user), std::move(ids),
                                          answer_empty(std::move(call)));
                   });
}

void remove_one(const Parts& parts, Call call) {
  std::vector<std::string> ids{std::string(call.param("deviceId"))};
  const std::string operation = "DELETE /devices/" + ids.front();
  remove_after_auth(parts, std::move(ids), operation, std::move(call));
}

void remove_many(const Parts& parts, Call call) {
  auto names = json::required_strings(call.body(), "devices");
  if (!names) return std::move(call).error(names.error());
  if (names->size() > most_deleted) {
    return std::move(call).error(
        service::invalid_param("At most 1,000 devices are deleted at a time.").error());
  }
  std::vector<std::string> ids(names->begin(), names->end());
  remove_after_auth(parts, std::move(ids), "POST /delete_devices", std::move(call));
}

}  // namespace

Routes device_routes(service::Devices& devices, service::InteractiveAuth& auth) {
  using http::Method;
  const Parts parts{devices, auth};
  const auto route = [](Method method, std::string_view path, RateClass rate, BodyKind body,
                        std::function<void(Call)> handler) {
    return Route{.method = method,
                 .door = http::Door::client,
                 .path = path,
                 .auth = Auth::token_choosing_ok,
                 .rate = rate,
                 .body = body,
                 .body_limit = body == BodyKind::none ? 0 : body_limit,
                 .run = http::Run::on_loop,
                 .handler = std::move(handler)};
  };
  constexpr std::string_view one = "/_matrix/client/v3/devices/{deviceId}";
  Routes routes;
  routes.push_back(route(Method::get, "/_matrix/client/v3/devices", RateClass::read, BodyKind::none,
                         [&devices](Call call) { list(devices, std::move(call)); }));
  routes.push_back(route(Method::get, one, RateClass::read, BodyKind::none,
                         [&devices](Call call) { get(devices, std::move(call)); }));
  routes.push_back(route(Method::put, one, RateClass::write, BodyKind::json_object,
                         [&devices](Call call) { rename(devices, std::move(call)); }));
  routes.push_back(route(Method::del, one, RateClass::login, BodyKind::json_object_or_empty,
                         [parts](Call call) { remove_one(parts, std::move(call)); }));
  routes.push_back(route(Method::post, "/_matrix/client/v3/delete_devices", RateClass::login,
                         BodyKind::json_object,
                         [parts](Call call) { remove_many(parts, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::client
