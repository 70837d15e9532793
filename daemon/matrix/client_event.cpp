#include "matrix/client_event.hpp"

#include "base/check.hpp"
#include "json/edit.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"

namespace gims::matrix {
namespace {

std::string content_with_redacts(const Event& event) {
  return json::with_member(event.content(), "redacts", json::quoted(*event.redacts()));
}

void write_members(json::Writer& out, const Event& event, RoomIdMember room_id) {
  out.begin_object();
  if (event.redacts() && !event.version().redacts_in_content) {
    out.raw_member("content", content_with_redacts(event));
  } else {
    out.raw_member("content", event.content_bytes());
  }
  out.member("event_id", event.event_id());
  out.member("origin_server_ts", event.origin_server_ts());
  if (event.redacts()) out.member("redacts", *event.redacts());
  if (room_id == RoomIdMember::with) out.member("room_id", event.room_id());
  out.member("sender", event.sender());
  if (event.state_key()) out.member("state_key", *event.state_key());
  out.member("type", event.type());
}

}  // namespace

void append_client_event_head(std::string& out, const Event& event, RoomIdMember room_id) {
  out.reserve(out.size() + event.content_bytes().size() + 512);
  json::Writer writer(out);
  write_members(writer, event, room_id);
}

std::string client_event_head(const Event& event, RoomIdMember room_id) {
  std::string out;
  append_client_event_head(out, event, room_id);
  return out;
}

std::string client_event(const Event& event, RoomIdMember room_id, std::string_view unsigned_json) {
  json::Writer out;
  write_members(out, event, room_id);
  if (!unsigned_json.empty()) out.raw_member("unsigned", unsigned_json);
  return out.end_object().take();
}

std::string stripped_state(const Event& event) {
  GIMS_CHECK(event.is_state());
  json::Writer out;
  out.begin_object().raw_member("content", event.content_bytes());
  out.member("sender", event.sender()).member("state_key", *event.state_key());
  return out.member("type", event.type()).end_object().take();
}

}  // namespace gims::matrix
