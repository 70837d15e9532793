#include "matrix/redact.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "json/canonical.hpp"
#include "json/text.hpp"

namespace gims::matrix {
namespace {

using Keys = std::span<const std::string_view>;

// All lists in the order of canonical JSON.
constexpr std::array<std::string_view, 12> top_level_v11{
    "auth_events", "content", "depth",  "event_id",   "hashes",    "origin_server_ts",
    "prev_events", "room_id", "sender", "signatures", "state_key", "type"};
constexpr std::array<std::string_view, 15> top_level_v10{
    "auth_events", "content",          "depth",       "event_id",   "hashes",  "membership",
    "origin",      "origin_server_ts", "prev_events", "prev_state", "room_id", "sender",
    "signatures",  "state_key",        "type"};
static_assert(std::ranges::is_sorted(top_level_v10) && std::ranges::is_sorted(top_level_v11));

constexpr std::array<std::string_view, 2> of_member_v10{"join_authorised_via_users_server",
                                                        "membership"};
constexpr std::array<std::string_view, 1> of_create_v10{"creator"};
constexpr std::array<std::string_view, 2> of_join_rules{"allow", "join_rule"};
constexpr std::array<std::string_view, 8> of_power_levels_v10{
    "ban", "events", "events_default", "kick", "redact", "state_default", "users", "users_default"};
constexpr std::array<std::string_view, 9> of_power_levels_v11{
    "ban",    "events",        "events_default", "invite",       "kick",
    "redact", "state_default", "users",          "users_default"};
constexpr std::array<std::string_view, 1> of_history_visibility{"history_visibility"};
constexpr std::array<std::string_view, 1> of_redaction_v11{"redacts"};

Keys kept_content(const RoomVersion& version, std::string_view type) {
  const bool v11 = version.redaction_of_v11;
  if (type == "m.room.member") return of_member_v10;
  if (type == "m.room.create") return of_create_v10;
  if (type == "m.room.join_rules") return of_join_rules;
  if (type == "m.room.power_levels") return v11 ? Keys(of_power_levels_v11) : of_power_levels_v10;
  if (type == "m.room.history_visibility") return of_history_visibility;
  if (type == "m.room.redaction" && v11) return of_redaction_v11;
  return {};
}

void append_key(std::string& out, std::string_view key) {
  if (out.back() != '{') out.push_back(',');
  json::append_quoted(out, key);
  out.push_back(':');
}

Result<void> append_members(std::string& out, json::Value object, Keys keys) {
  for (const std::string_view key : keys) {
    if (const json::Value value = object.get(key)) {
      append_key(out, key);
      GIMS_TRY(json::append_canonical(out, value));
    }
  }
  return {};
}

Result<void> append_redacted_content(std::string& out, const RoomVersion& version,
                                     std::string_view type, json::Value content) {
  if (version.redaction_of_v11 && type == "m.room.create" && content.is_object()) {
    return json::append_canonical(out, content);
  }
  out.push_back('{');
  GIMS_TRY(append_members(out, content, kept_content(version, type)));
  // After "membership", as the order of canonical JSON is.
  const json::Value third_party = content.get("third_party_invite").get("signed");
  if (version.redaction_of_v11 && type == "m.room.member" && third_party) {
    append_key(out, "third_party_invite");
    out += R"({"signed":)";
    GIMS_TRY(json::append_canonical(out, third_party));
    out.push_back('}');
  }
  out.push_back('}');
  return {};
}

}  // namespace

Result<std::string> redacted_pdu_without(const RoomVersion& version, json::Value pdu,
                                         std::string_view left_out) {
  const Keys keys = version.redaction_of_v11 ? Keys(top_level_v11) : top_level_v10;
  const std::string_view type = pdu.get("type").string_or("");
  std::string out;
  out.reserve(1024);
  out.push_back('{');
  for (const std::string_view key : keys) {
    const json::Value value = pdu.get(key);
    if (!value || key == left_out) continue;
    append_key(out, key);
    if (key == "content") {
      GIMS_TRY(append_redacted_content(out, version, type, value));
    } else {
      GIMS_TRY(json::append_canonical(out, value));
    }
  }
  out.push_back('}');
  return out;
}

Result<std::string> redacted_pdu(const RoomVersion& version, json::Value pdu) {
  return redacted_pdu_without(version, pdu, {});
}

Result<EventPtr> redacted(const Event& event) {
  GIMS_TRY_ASSIGN(std::string bytes, redacted_pdu(event.version(), event.json()));
  return Event::from_store(event.version(), event.event_id(), std::move(bytes));
}

Result<std::string> redacted_content(const RoomVersion& version, std::string_view type,
                                     json::Value content) {
  std::string out;
  GIMS_TRY(append_redacted_content(out, version, type, content));
  return out;
}

}  // namespace gims::matrix
