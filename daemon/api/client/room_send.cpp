// Messages and redactions (spec: client-server API, "Sending events to a room", "Redactions").
#include <utility>

#include "api/client/room_calls.hpp"
#include "api/client/rooms.hpp"
#include "json/fields.hpp"

namespace gims::api::client {

namespace {

using http::Method;
using http::Run;
using service::rooms::Rooms;

void send(Rooms& rooms, Call call) {
  auto actor = actor_of(call);
  auto room = param_of(call, "roomId");
  auto type = param_of(call, "eventType");
  auto content = body_text(call);
  auto txn_id = param_of(call, "txnId");
  rooms.send_message(std::move(actor), std::move(room), std::move(type), std::move(content),
                     std::move(txn_id), answer_with(std::move(call), "event_id"));
}

void redact(Rooms& rooms, Call call) {
  if (auto reason = json::optional_string(call.body(), "reason"); !reason) {
    return std::move(call).error(reason.error());
  }
  auto actor = actor_of(call);
  auto room = param_of(call, "roomId");
  auto event = param_of(call, "eventId");
  auto content = body_text(call);
  auto txn_id = param_of(call, "txnId");
  rooms.redact(std::move(actor), std::move(room), std::move(event), std::move(content),
               std::move(txn_id), answer_with(std::move(call), "event_id"));
}

}  // namespace

Routes room_send_routes(Rooms& rooms) {
  Routes routes;
  routes.push_back(write_route(Method::put,
                               "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}",
                               BodyKind::json_object, event_body, Run::on_loop,
                               [&rooms](Call call) { send(rooms, std::move(call)); }));
  // A suspended account takes back what it said itself, as the service sees to.
  routes.push_back(while_suspended(
      write_route(Method::put, "/_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}",
                  BodyKind::json_object_or_empty, event_body, Run::on_loop,
                  [&rooms](Call call) { redact(rooms, std::move(call)); })));
  for (Route& route : routes) route.rate = RateClass::send;
  return routes;
}

}  // namespace gims::api::client
