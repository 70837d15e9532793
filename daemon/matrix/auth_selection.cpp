// Which state an event names as its auth events (spec: server-server API, "Auth events selection").
#include <algorithm>

#include "matrix/auth_rejected.hpp"
#include "matrix/auth_rules.hpp"

namespace gims::matrix {
namespace {

using detail::rejected;

void add(std::vector<StateKey>& keys, std::string_view type, std::string_view state_key) {
  StateKey key{std::string(type), std::string(state_key)};
  if (std::ranges::find(keys, key) == keys.end()) keys.push_back(std::move(key));
}

void add_for_member(std::vector<StateKey>& keys, std::string_view target, json::Value content) {
  add(keys, "m.room.member", target);
  const std::string_view membership = content.get("membership").string_or("");
  if (membership == "join" || membership == "invite" || membership == "knock") {
    add(keys, "m.room.join_rules", "");
  }
  if (membership == "invite") {
    const auto token = content.get("third_party_invite").get("signed").get("token").as_string();
    if (token) add(keys, "m.room.third_party_invite", *token);
  }
  if (membership == "join") {
    const auto via = content.get("join_authorised_via_users_server").as_string();
    if (via) add(keys, "m.room.member", *via);
  }
}

}  // namespace

std::vector<StateKey> auth_state_keys(const RoomVersion& version, std::string_view type,
                                      std::string_view sender,
                                      std::optional<std::string_view> state_key,
                                      json::Value content) {
  std::vector<StateKey> keys;
  if (type == "m.room.create") return keys;
  keys.reserve(6);
  if (!version.room_id_is_create_hash) add(keys, "m.room.create", "");
  add(keys, "m.room.power_levels", "");
  add(keys, "m.room.member", sender);
  if (type == "m.room.member" && state_key) add_for_member(keys, *state_key, content);
  return keys;
}

Result<void> check_auth_events(const RoomVersion& version, const Event& event,
                               std::span<const EventPtr> auth_events) {
  if (event.type() == "m.room.create") return {};
  const std::vector<StateKey> allowed =
      auth_state_keys(version, event.type(), event.sender(), event.state_key(), event.content());
  std::vector<StateKey> seen;
  seen.reserve(auth_events.size());
  bool has_create = false;
  for (const EventPtr& auth : auth_events) {
    if (!auth->is_state()) return rejected("An auth event is no state event.");
    if (auth->room_id() != event.room_id()) return rejected("An auth event is of another room.");
    StateKey key{std::string(auth->type()), std::string(*auth->state_key())};
    if (std::ranges::find(seen, key) != seen.end()) {
      return rejected("Two auth events are for the same state.");
    }
    if (std::ranges::find(allowed, key) == allowed.end()) {
      return rejected("An auth event is not among those that such an event may name.");
    }
    has_create = has_create || key.type == "m.room.create";
    seen.push_back(std::move(key));
  }
  if (!version.room_id_is_create_hash && !has_create) {
    return rejected("The room's create event is not among the auth events.");
  }
  return {};
}

}  // namespace gims::matrix
