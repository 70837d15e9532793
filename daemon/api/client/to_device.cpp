// Spec: client-server API, "Send-to-Device messaging".
#include <utility>

#include "api/client/encryption.hpp"
#include "api/finish.hpp"

namespace gims::api::client {
namespace {

constexpr std::size_t body_limit = std::size_t{2} * 1024 * 1024;

void send(service::ToDevice& to_device, Call call) {
  auto messages = service::ToDevice::decode(call.body());
  if (!messages) return std::move(call).error(messages.error());
  service::ToDeviceRequest request{.sender = call.caller().user_id,
                                   .sender_device = call.caller().device_id,
                                   .type = std::string(call.param("eventType")),
                                   .txn_id = std::string(call.param("txnId")),
                                   .messages = std::move(*messages)};
  to_device.send(std::move(request), answer_empty(std::move(call)));
}

}  // namespace

Routes to_device_routes(service::ToDevice& to_device) {
  Routes routes;
  routes.push_back({.method = http::Method::put,
                    .door = http::Door::client,
                    .path = "/_matrix/client/v3/sendToDevice/{eventType}/{txnId}",
                    .auth = Auth::token_suspended_ok,
                    .rate = RateClass::write,
                    .body = BodyKind::json_object,
                    .body_limit = body_limit,
                    .run = http::Run::on_loop,
                    .handler = [&to_device](Call call) { send(to_device, std::move(call)); }});
  return routes;
}

}  // namespace gims::api::client
