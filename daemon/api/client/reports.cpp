// Reports (spec: client-server API, "Reporting content").
#include <iterator>
#include <utility>

#include "api/client/room_calls.hpp"
#include "api/client/rooms.hpp"
#include "json/fields.hpp"

namespace gims::api::client {

namespace {

using http::Method;
using http::Run;
using service::rooms::RoomReads;
using service::rooms::Rooms;

void file(Rooms& rooms, Call call, Rooms::Report report) {
  auto actor = actor_of(call);
  rooms.report(std::move(actor), std::move(report), answer_done(std::move(call)));
}

void report_room(Rooms& rooms, Call call) {
  const auto reason = json::required_string(call.body(), "reason");
  if (!reason) return std::move(call).error(reason.error());
  Rooms::Report report{.room_id = param_of(call, "roomId"), .reason = std::string(*reason)};
  file(rooms, std::move(call), std::move(report));
}

void report_user(Rooms& rooms, Call call) {
  const auto reason = json::required_string(call.body(), "reason");
  if (!reason) return std::move(call).error(reason.error());
  Rooms::Report report{.user_id = param_of(call, "userId"), .reason = std::string(*reason)};
  file(rooms, std::move(call), std::move(report));
}

void report_event(Rooms& rooms, RoomReads& reads, Call call) {
  const auto reason = json::optional_string(call.body(), "reason");
  if (!reason) return std::move(call).error(reason.error());
  Rooms::Report report{.room_id = param_of(call, "roomId"),
                       .event_id = param_of(call, "eventId"),
                       .reason = std::string(reason->value_or(""))};
  if (auto seen = reads.check_reportable(actor_of(call), *report.room_id, *report.event_id);
      !seen) {
    return std::move(call).error(seen.error());
  }
  file(rooms, std::move(call), std::move(report));
}

}  // namespace

Routes report_routes(Rooms& rooms, RoomReads& reads) {
  Routes routes;
  routes.push_back(write_route(Method::post, "/_matrix/client/v3/rooms/{roomId}/report",
                               BodyKind::json_object, small_body, Run::on_loop,
                               [&rooms](Call call) { report_room(rooms, std::move(call)); }));
  routes.push_back(
      write_route(Method::post, "/_matrix/client/v3/rooms/{roomId}/report/{eventId}",
                  BodyKind::json_object, small_body, Run::on_pool,
                  [&rooms, &reads](Call call) { report_event(rooms, reads, std::move(call)); }));
  routes.push_back(write_route(Method::post, "/_matrix/client/v3/users/{userId}/report",
                               BodyKind::json_object, small_body, Run::on_loop,
                               [&rooms](Call call) { report_user(rooms, std::move(call)); }));
  for (Route& route : routes) route = while_suspended(std::move(route));
  return routes;
}

Routes all_room_routes(Rooms& rooms, RoomReads& reads, service::rooms::Directory& directory) {
  Routes all;
  const auto add = [&](Routes routes) {
    all.insert(all.end(), std::make_move_iterator(routes.begin()),
               std::make_move_iterator(routes.end()));
  };
  add(room_creation_routes(rooms));
  add(room_membership_routes(rooms));
  add(room_send_routes(rooms));
  add(room_state_routes(rooms, reads));
  add(room_history_routes(reads));
  add(room_relation_routes(reads));
  add(room_directory_routes(rooms, reads, directory));
  add(space_routes(directory));
  add(report_routes(rooms, reads));
  return all;
}

}  // namespace gims::api::client
