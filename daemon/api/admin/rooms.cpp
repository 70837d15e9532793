// Rooms, as an administrator sees and shuts them.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "base/utf8.hpp"
#include "json/fields.hpp"
#include "json/value.hpp"
#include "service/errors.hpp"
#include "service/officers/clearance.hpp"
#include "service/officers/names.hpp"

namespace gims::api::admin {
namespace {

using service::rooms::Rooms;
using service::rooms::SiteRoom;
using service::rooms::SiteRooms;

constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_topic = 1024;
constexpr std::size_t longest_reason = 256;
constexpr std::array<std::string_view, 1> of_shutdown{"reason"};

void write(json::Writer& out, const SiteRoom& room) {
  const auto& summary = room.summary;
  out.begin_object().member("room_id", summary.room_id).member("members", summary.members);
  out.member("encrypted", summary.encryption.has_value());
  // What clients take for a conversation of two: the server is not told.
  out.member("direct", summary.members <= 2 && !summary.name);
  if (summary.name) out.member("name", cut_utf8(*summary.name, longest_name));
  if (summary.topic) out.member("topic", cut_utf8(*summary.topic, longest_topic));
  out.member("label", service::label_of(room.classification));
  out.member("created_ts", room.created_ts);
  if (!room.creator.empty()) out.member("creator", room.creator);
  if (room.last_event_ts) out.member("last_event_ts", *room.last_event_ts);
  if (room.shut_ts) out.member("shut_down_ts", *room.shut_ts);
  out.end_object();
}

Result<std::string> list(SiteRooms& site, const Call& call) {
  SiteRooms::Query query;
  query.after = call.query("after").value_or("");
  query.text = call.query("q").value_or("");
  GIMS_TRY_ASSIGN(query.count, limit_of(call));
  if (const auto label = call.query("label")) {
    query.classification = service::level_of(*label);
    if (!query.classification) return service::invalid_param("There is no such label.");
  }
  GIMS_TRY_ASSIGN(const auto page, site.page(query));
  json::Writer out;
  out.begin_object().key("rooms").begin_array();
  for (const SiteRoom& room : page.rooms) write(out, room);
  out.end_array();
  if (!page.next.empty()) out.member("next", page.next);
  out.end_object();
  return out.take();
}

Result<std::string> show(SiteRooms& site, const Call& call) {
  GIMS_TRY_ASSIGN(const SiteRoom room, site.find(call.param("roomId")));
  json::Writer out;
  write(out, room);
  return out.take();
}

Result<std::string> members(SiteRooms& site, const Call& call) {
  GIMS_TRY_ASSIGN(const std::int64_t limit, limit_of(call));
  GIMS_TRY_ASSIGN(const auto page,
                  site.members(call.param("roomId"), call.query("after").value_or(""), limit));
  json::Writer out;
  out.begin_object().key("members").begin_array();
  for (const auto& member : page.members) {
    out.begin_object().member("user_id", member.user_id).member("membership", member.membership);
    if (member.display_name) out.member("display_name", *member.display_name);
    // Creators of newer rooms are above every number that JSON has.
    out.member("power_level", std::min(member.power_level, json::max_integer));
    if (member.since_ts) out.member("since_ts", *member.since_ts);
    out.end_object();
  }
  out.end_array();
  if (!page.next.empty()) out.member("next", page.next);
  out.end_object();
  return out.take();
}

Result<std::string> decode_reason(json::Value body) {
  GIMS_TRY(only_members(body, of_shutdown));
  GIMS_TRY_ASSIGN(const auto reason, json::required_string(body, "reason"));
  GIMS_TRY(service::check_name(reason, "reason", longest_reason));
  return std::string(reason);
}

void shut_down(Rooms& rooms, Call call) {
  auto reason = decode_reason(call.body());
  if (!reason) return std::move(call).error(reason.error());
  std::string room_id(call.param("roomId"));
  service::Actor actor = actor_of(call);
  rooms.shut_down(std::move(room_id), std::move(*reason), std::move(actor),
                  answer_empty(std::move(call)));
}

}  // namespace

Routes room_routes(SiteRooms& site, Rooms& rooms) {
  using http::Method;
  Routes routes;
  const auto reading = [&](std::string_view path,
                           Result<std::string> (*read)(SiteRooms&, const Call&)) {
    routes.push_back(admin_route(Method::get, path, BodyKind::none, [&site, read](Call call) {
      auto answer = read(site, call);
      std::move(call).result(std::move(answer));
    }));
  };
  reading("/_gims/admin/v1/rooms", list);
  reading("/_gims/admin/v1/rooms/{roomId}", show);
  reading("/_gims/admin/v1/rooms/{roomId}/members", members);
  routes.push_back(admin_route(Method::post, "/_gims/admin/v1/rooms/{roomId}/shutdown",
                               BodyKind::json_object,
                               [&rooms](Call call) { shut_down(rooms, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::admin
