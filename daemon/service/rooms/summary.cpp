#include "service/rooms/summary.hpp"

#include <algorithm>
#include <utility>

#include "matrix/event.hpp"
#include "store/statements/memberships.hpp"
#include "store/statements/rooms.hpp"
#include "store/statements/state.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

class StateReader {
 public:
  StateReader(sql::Connection& connection, store::RoomNid room) noexcept
      : connection_(connection), room_(room) {}

  // The content of a state event; an invalid value where there is none. Good until the next call.
  Result<json::Value> content(std::string_view type) {
    pdu_ = json::Document();
    GIMS_TRY_ASSIGN(const auto row,
                    sql::first(connection_, sql_of::CurrentStateEvent{
                                                .room_nid = room_, .type = type, .state_key = ""}));
    if (!row) return json::Value();
    GIMS_TRY_ASSIGN(pdu_, json::Document::parse(row->pdu));
    return pdu_.root().get("content");
  }
  // A member that is a string and not empty.
  Result<std::optional<std::string>> text(std::string_view type, std::string_view member) {
    GIMS_TRY_ASSIGN(const json::Value found, content(type));
    const std::string_view value = found.get(member).string_or("");
    return value.empty() ? std::nullopt : std::optional(std::string(value));
  }

 private:
  sql::Connection& connection_;
  store::RoomNid room_;
  json::Document pdu_;
};

}  // namespace

Result<std::optional<RoomSummary>> load_summary(sql::Connection& connection,
                                                std::string_view room_id) {
  GIMS_TRY_ASSIGN(auto row, sql::first(connection, sql_of::RoomById{.room_id = room_id}));
  if (!row) return std::nullopt;
  RoomSummary room;
  room.nid = row->room_nid;
  room.room_id = room_id;
  room.version = std::move(row->version);
  GIMS_TRY_ASSIGN(
      const auto count,
      sql::first(connection, sql_of::CountMembers{.room_nid = room.nid, .membership = "join"}));
  room.members = count ? count->members : 0;
  StateReader state(connection, room.nid);
  GIMS_TRY_ASSIGN(room.name, state.text("m.room.name", "name"));
  GIMS_TRY_ASSIGN(room.topic, state.text("m.room.topic", "topic"));
  GIMS_TRY_ASSIGN(room.avatar_url, state.text("m.room.avatar", "url"));
  GIMS_TRY_ASSIGN(room.canonical_alias, state.text("m.room.canonical_alias", "alias"));
  GIMS_TRY_ASSIGN(room.room_type, state.text("m.room.create", "type"));
  GIMS_TRY_ASSIGN(room.encryption, state.text("m.room.encryption", "algorithm"));
  GIMS_TRY_ASSIGN(const auto visibility,
                  state.text("m.room.history_visibility", "history_visibility"));
  room.world_readable = visibility == "world_readable";
  GIMS_TRY_ASSIGN(const auto guests, state.text("m.room.guest_access", "guest_access"));
  room.guest_can_join = guests == "can_join";
  GIMS_TRY_ASSIGN(const json::Value rules, state.content("m.room.join_rules"));
  room.join_rule = rules.get("join_rule").string_or("invite");
  if (room.join_rule == "restricted" || room.join_rule == "knock_restricted") {
    for (const json::Value condition : rules.get("allow").array()) {
      const auto other = condition.get("room_id").as_string();
      if (condition.get("type").as_string() == "m.room_membership" && other) {
        room.allowed_rooms.emplace_back(*other);
      }
    }
  }
  return room;
}

void RoomSummary::write(json::Writer& out) const {
  out.member("room_id", room_id).member("num_joined_members", members);
  const auto optional = [&](std::string_view key, const std::optional<std::string>& value) {
    if (value) out.member(key, *value);
  };
  optional("name", name);
  optional("topic", topic);
  optional("avatar_url", avatar_url);
  optional("canonical_alias", canonical_alias);
  optional("room_type", room_type);
  optional("encryption", encryption);
  out.member("join_rule", join_rule)
      .member("room_version", version)
      .member("world_readable", world_readable)
      .member("guest_can_join", guest_can_join);
  if (!allowed_rooms.empty()) {
    out.key("allowed_room_ids").begin_array();
    for (const std::string& room : allowed_rooms) out.value(room);
    out.end_array();
  }
}

bool RoomSummary::mentions(std::string_view lower_case_term) const {
  const auto holds = [&](const std::optional<std::string>& text) {
    return text && lower_case(*text).contains(lower_case_term);
  };
  return holds(name) || holds(topic) || holds(canonical_alias);
}

Result<bool> may_know_of(sql::Connection& connection, const RoomSummary& room,
                         std::string_view user_id) {
  const auto membership_in = [&](store::RoomNid nid) -> Result<std::string> {
    GIMS_TRY_ASSIGN(auto row, sql::first(connection, sql_of::MembershipOf{.user_id = user_id,
                                                                          .room_nid = nid}));
    return row ? std::move(row->membership) : std::string();
  };
  if (room.world_readable) return true;
  GIMS_TRY_ASSIGN(const std::string membership, membership_in(room.nid));
  if (membership == "ban") return false;
  if (membership == "join" || membership == "invite" || room.join_rule == "public" ||
      room.join_rule == "knock" || room.join_rule == "knock_restricted") {
    return true;
  }
  for (const std::string& other : room.allowed_rooms) {
    GIMS_TRY_ASSIGN(const auto row, sql::first(connection, sql_of::RoomById{.room_id = other}));
    if (!row) continue;
    GIMS_TRY_ASSIGN(const std::string there, membership_in(row->room_nid));
    if (there == "join") return true;
  }
  return false;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

}  // namespace gims::service::rooms
