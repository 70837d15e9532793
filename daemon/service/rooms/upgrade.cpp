// POST /rooms/{roomId}/upgrade (spec: client-server API, "Room upgrades", server behaviour).
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "json/edit.hpp"
#include "json/text.hpp"
#include "json/writer.hpp"
#include "matrix/power_levels.hpp"
#include "service/errors.hpp"
#include "service/rooms/core.hpp"
#include "store/statements/aliases.hpp"
#include "store/statements/rooms.hpp"
#include "store/statements/state.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

// State that is carried over as it is; aliases, power levels and bans have rules of their own.
constexpr std::array copied = {
    std::string_view("m.room.server_acl"), std::string_view("m.room.encryption"),
    std::string_view("m.room.name"),       std::string_view("m.room.avatar"),
    std::string_view("m.room.topic"),      std::string_view("m.room.guest_access"),
    std::string_view("m.room.join_rules"), std::string_view("m.room.history_visibility"),
    std::string_view("m.space.child"),
};

// The create event's own members, but for those that the new room says itself.
std::string creation_of(const Room& old, const matrix::RoomVersion& version,
                        const std::vector<std::string>& additional_creators) {
  json::Writer predecessor;
  predecessor.begin_object()
      .member("event_id", old.latest_event())
      .member("room_id", old.id())
      .end_object();
  json::Writer creators;
  creators.begin_array();
  for (const std::string& user : additional_creators) creators.value(user);
  creators.end_array();
  const bool names_creators = version.privileged_creators && !additional_creators.empty();
  const std::array changes = {
      json::Change{.key = "predecessor", .json = predecessor.text()},
      json::Change{.key = "additional_creators",
                   .json = names_creators ? std::optional<std::string_view>(creators.text())
                                          : std::nullopt}};
  return json::changed(old.get("m.room.create", "")->content(), changes);
}

// The highest level that the old room knows, 100 at least. Who has it can set each of the others,
// and no one is above. Not that for tombstones, which is set anew.
std::int64_t highest_level(const Room& old) {
  std::int64_t highest = 100;
  const auto look = [&](std::string_view key, json::Value level) {
    if (key != "m.room.tombstone") highest = std::max(highest, level.int_or(0));
  };
  const matrix::EventPtr event = old.get("m.room.power_levels", "");
  if (!event) return highest;
  for (const auto& [key, value] : event->content().object()) {
    look(key, value);
    for (const auto& [name, level] : value.object()) look(name, level);
  }
  return highest;
}

// The old levels as the new version allows them: creators of version 12 stand above every level and
// may not be listed; those of an older one must be.
std::string levels_of(const Room& old, const matrix::RoomVersion& version,
                      std::string_view new_creator,
                      const std::vector<std::string>& additional_creators) {
  const matrix::EventPtr event = old.get("m.room.power_levels", "");
  const json::Value content = event ? event->content() : json::Value();
  const auto levels = matrix::PowerLevels::of(old);
  const auto is_new_creator = [&](std::string_view user) {
    return version.privileged_creators &&
           (user == new_creator || std::ranges::contains(additional_creators, user));
  };
  json::Writer users;
  users.begin_object();
  for (const auto& [user, level] : content.get("users").object()) {
    if (!is_new_creator(user)) users.key(user).value(level);
  }
  if (old.version().privileged_creators) {
    // Between rooms of version 12 they are demoted; in an older one they stay above the others.
    const std::int64_t level = version.privileged_creators ? 100 : highest_level(old);
    for (const std::string_view user : levels.creators()) {
      if (!is_new_creator(user)) users.member(user, level);
    }
  } else if (!event && !version.privileged_creators) {
    users.member(new_creator, 100);
  }
  users.end_object();
  // The level for tombstones must be above state_default in version 12.
  json::Writer events;
  events.begin_object();
  const std::int64_t state_default = content.get("state_default").int_or(50);
  const std::int64_t tombstone = levels.to_send("m.room.tombstone", true);
  for (const auto& [type, level] : content.get("events").object()) {
    if (type != "m.room.tombstone") events.key(type).value(level);
  }
  if (version.privileged_creators) {
    events.member("m.room.tombstone", std::max({tombstone, state_default + 1, std::int64_t{150}}));
  } else {
    events.member("m.room.tombstone", std::min(tombstone, std::int64_t{100}));
  }
  events.end_object();
  const std::array changes = {json::Change{.key = "users", .json = users.text()},
                              json::Change{.key = "events", .json = events.text()}};
  return json::changed(content, changes);
}

}  // namespace

Result<std::string> Core::upgrade(store::Transaction& transaction, const Actor& actor,
                                  std::string_view room_id, std::string_view new_version,
                                  const std::vector<std::string>& additional_creators) {
  const matrix::RoomVersion* version = matrix::find_room_version(new_version);
  if (version == nullptr) {
    return fail(ErrorKind::bad_input, "M_UNSUPPORTED_ROOM_VERSION",
                "This server makes rooms of version 10, 11 and 12.");
  }
  GIMS_TRY_ASSIGN(const RoomPtr old, joined_room(transaction, actor.user_id, room_id));
  const auto levels = matrix::PowerLevels::of(*old);
  if (levels.of_user(actor.user_id) < levels.to_send("m.room.tombstone", true)) {
    return forbidden("You may not upgrade this room.");
  }
  GIMS_TRY(check_joined_rooms(transaction, actor.user_id));
  GIMS_TRY_ASSIGN(const auto row,
                  sql::first(transaction.sql(), sql_of::RoomByNid{.room_nid = old->nid()}));
  const bool is_listed = row && row->is_listed != 0;
  auto founded = found(transaction, *version, actor.user_id,
                       creation_of(*old, *version, additional_creators), is_listed);
  if (!founded) return pass(std::move(founded));
  const RoomPtr room = std::move(*founded);

  const auto put_in = [&](Room& where, std::string_view type, std::string_view state_key,
                          std::string_view content) {
    return timeline_.append(
        transaction, where,
        {.type = type, .state_key = state_key, .sender = actor.user_id, .content = content});
  };
  GIMS_TRY_ASSIGN(const std::string member,
                  member_content(transaction, actor.user_id, {.membership = "join"}));
  GIMS_TRY(put_in(*room, "m.room.member", actor.user_id, member));
  GIMS_TRY(take_settings_along(transaction, *room, actor.user_id));
  // Until all is copied the founder needs every level; the old room's levels come last.
  if (!version->privileged_creators) {
    json::Writer founder;
    founder.begin_object().key("users").begin_object();
    founder.member(actor.user_id, highest_level(*old)).end_object().end_object();
    GIMS_TRY(put_in(*room, "m.room.power_levels", "", founder.text()));
  }
  for (const auto& [type, keys] : old->state_but_members()) {
    if (!std::ranges::contains(copied, std::string_view(type))) continue;
    for (const auto& [state_key, event] : keys) {
      if (type == "m.space.child" && event->content().size() == 0) continue;  // a removed child
      GIMS_TRY(put_in(*room, type, state_key, event->content_bytes()));
    }
  }
  GIMS_TRY_ASSIGN(const auto members,
                  sql::all(transaction.sql(), sql_of::CurrentStateOfType{.room_nid = old->nid(),
                                                                         .type = "m.room.member"}));
  for (const auto& row_of_member : members) {
    GIMS_TRY_ASSIGN(
        const matrix::EventPtr banned,
        matrix::Event::from_store(old->version(), row_of_member.event_id, row_of_member.pdu));
    if (banned->membership() != "ban") continue;
    GIMS_TRY(put_in(*room, "m.room.member", *banned->state_key(), banned->content_bytes()));
  }

  const matrix::EventPtr alias = old->get("m.room.canonical_alias", "");
  GIMS_TRY(sql::run(transaction.sql(),
                    sql_of::MoveAliases{.new_room = room->nid(), .old_room = old->nid()}));
  if (alias) {
    GIMS_TRY(put_in(*room, "m.room.canonical_alias", "", alias->content_bytes()));
    // The name is the new room's now; who may not say so in the old one leaves it as it is.
    if (auto emptied = put_in(*old, "m.room.canonical_alias", "", "{}");
        !emptied && emptied.error().kind != ErrorKind::forbidden) {
      return pass(std::move(emptied));
    }
  }
  if (is_listed) {
    GIMS_TRY(
        sql::run(transaction.sql(), sql_of::SetRoomListed{.is_listed = 0, .room_nid = old->nid()}));
  }
  GIMS_TRY(put_in(*room, "m.room.power_levels", "",
                  levels_of(*old, *version, actor.user_id, additional_creators)));

  json::Writer tombstone;
  tombstone.begin_object()
      .member("body", "This room has been replaced.")
      .member("replacement_room", room->id())
      .end_object();
  GIMS_TRY(put_in(*old, "m.room.tombstone", "", tombstone.text()));

  // The old room falls silent where the founder may say so.
  if (const matrix::EventPtr before = old->get("m.room.power_levels", "")) {
    const json::Value content = before->content();
    const std::int64_t quiet =
        std::max(std::int64_t{50}, content.get("users_default").int_or(0) + 1);
    const std::string events_default =
        std::to_string(std::max(quiet, content.get("events_default").int_or(0)));
    const std::string invite = std::to_string(std::max(quiet, content.get("invite").int_or(0)));
    const std::array changes = {json::Change{.key = "events_default", .json = events_default},
                                json::Change{.key = "invite", .json = invite}};
    if (auto quieted = put_in(*old, "m.room.power_levels", "", json::changed(content, changes));
        !quieted && quieted.error().kind != ErrorKind::forbidden) {
      return pass(std::move(quieted));
    }
  }
  return room->id();
}

}  // namespace gims::service::rooms
