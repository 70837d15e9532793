// The numbers in comments are of version 12; up to 11 they are one lower from rule 3 on.
#include "matrix/auth_rules.hpp"

#include "matrix/auth_member.hpp"
#include "matrix/auth_power.hpp"
#include "matrix/auth_rejected.hpp"
#include "matrix/ids.hpp"
#include "matrix/power_levels.hpp"

namespace gims::matrix {
namespace {

using detail::rejected;

Result<void> check_additional_creators(json::Value content) {
  const json::Value list = content.get("additional_creators");
  if (!list) return {};
  if (!list.is_array()) return rejected("additional_creators must be an array of user ids.");
  for (const json::Value element : list.array()) {
    if (!is_user_id(element.string_or(""))) {
      return rejected("additional_creators holds what is no user id.");
    }
  }
  return {};
}

// Rule 1.
Result<void> authorise_create(const RoomVersion& version, const Event& event) {
  if (!event.prev_events().empty()) return rejected("A create event must be a room's first event.");
  if (version.room_id_is_create_hash) {
    if (event.json().get("room_id")) {
      return rejected("A create event of this room version must have no room_id.");
    }
  } else if (domain_of(event.room_id()) != domain_of(event.sender())) {
    return rejected("The room id is not of the sender's server.");
  }
  if (const json::Value named = event.content().get("room_version")) {
    if (find_room_version(named.string_or("")) == nullptr) {
      return rejected("The create event names a room version that is not known.");
    }
  }
  if (version.creator_in_content && !event.content().get("creator")) {
    return rejected("The create event names no creator.");
  }
  if (version.privileged_creators) return check_additional_creators(event.content());
  return {};
}

// Rule 2, and for earlier versions what its place among the auth events implies.
Result<void> check_room(const RoomVersion& version, const Event& event, const Event& create) {
  const bool same = version.room_id_is_create_hash
                        ? event.room_id().substr(1) == create.event_id().substr(1)
                        : event.room_id() == create.room_id();
  if (!same) return rejected("The event is of another room than the state.");
  return {};
}

}  // namespace

Result<void> authorise(const RoomVersion& version, const Event& event, const StateView& state) {
  if (event.type() == "m.room.create") return authorise_create(version, event);
  const EventPtr create = state.get("m.room.create", "");
  if (!create) return rejected("The room has no create event.");
  GIMS_TRY(check_room(version, event, *create));
  // Rule 4.
  if (create->content().get("m.federate").as_bool() == false &&
      domain_of(event.sender()) != domain_of(create->sender())) {
    return rejected("The room does not admit users of other servers.");
  }
  const PowerLevels levels(create, state.get("m.room.power_levels", ""));
  if (event.type() == "m.room.member") {
    return detail::authorise_member({event, state, *create, levels});
  }
  // Rules 6 to 9.
  if (detail::membership_of(state, event.sender()) != "join") {
    return rejected("You are not a member of the room.");
  }
  const std::int64_t own = levels.of_user(event.sender());
  if (event.type() == "m.room.third_party_invite") {
    if (own >= levels.to_invite()) return {};
    return rejected("Your power level does not allow you to invite.");
  }
  if (levels.to_send(event.type(), event.is_state()) > own) {
    return rejected("Your power level does not allow you to send events of type " +
                    std::string(event.type()) + " in this room.");
  }
  if (event.state_key().value_or("").starts_with('@') && *event.state_key() != event.sender()) {
    return rejected("State whose key is a user id may be set by that user alone.");
  }
  // Rule 10. The state key is not asked for: an event of this type under any key is checked.
  if (event.type() == "m.room.power_levels") {
    return detail::authorise_power_levels({event, state, *create, levels});
  }
  return {};
}

bool redaction_applies(const Event& redaction, const Event& target, const StateView& state) {
  if (redaction.room_id() != target.room_id()) return false;
  if (domain_of(redaction.sender()) == domain_of(target.sender())) return true;
  const PowerLevels levels = PowerLevels::of(state);
  return levels.of_user(redaction.sender()) >= levels.to_redact();
}

bool may_redact(std::string_view user_id, const Event& target, const StateView& state) {
  if (target.sender() == user_id) return true;
  const PowerLevels levels = PowerLevels::of(state);
  return levels.of_user(user_id) >= levels.to_redact();
}

}  // namespace gims::matrix
