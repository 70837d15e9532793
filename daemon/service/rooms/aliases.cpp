// Names of rooms, and the room directory's list (spec: client-server API, "Room aliases").
#include "store/statements/aliases.hpp"

#include <array>
#include <string>
#include <utility>

#include "json/edit.hpp"
#include "json/writer.hpp"
#include "matrix/ids.hpp"
#include "matrix/power_levels.hpp"
#include "service/errors.hpp"
#include "service/rooms/core.hpp"
#include "store/statements/rooms.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

constexpr std::string_view canonical_alias = "m.room.canonical_alias";

bool may_name(const Room& room, std::string_view user_id) {
  const auto levels = matrix::PowerLevels::of(room);
  return levels.of_user(user_id) >= levels.to_send(canonical_alias, /*is_state=*/true);
}

// The content of the canonical alias event without the alias; nothing where it does not name it.
std::optional<std::string> content_without(const matrix::EventPtr& event, std::string_view alias) {
  if (!event) return std::nullopt;
  const json::Value content = event->content();
  const bool is_main = content.get("alias").as_string() == alias;
  json::Writer others;
  others.begin_array();
  bool is_other = false;
  for (const json::Value other : content.get("alt_aliases").array()) {
    if (other.as_string() == alias) {
      is_other = true;
    } else {
      others.value(other);
    }
  }
  others.end_array();
  if (!is_main && !is_other) return std::nullopt;
  std::string without_main = is_main ? json::without_member(content, "alias") : content.to_text();
  auto parsed = json::Document::parse(without_main);
  if (!is_other || !parsed) return without_main;
  return json::with_member(parsed->root(), "alt_aliases", others.text());
}

}  // namespace

Result<> Core::check_own_alias(std::string_view alias) const {
  if (matrix::is_room_alias(alias) && matrix::domain_of(alias) == policy.server_name) return {};
  return invalid_param("An alias has the form #name:" + policy.server_name + ".");
}

Result<> Core::add_alias(store::Transaction& transaction, const Actor& actor,
                         std::string_view alias, std::string_view room_id) {
  GIMS_TRY(check_own_alias(alias));
  GIMS_TRY_ASSIGN(const RoomPtr room, joined_room(transaction, actor.user_id, room_id));
  GIMS_TRY(sql::run(transaction.sql(), sql_of::InsertAlias{.alias = alias,
                                                           .room_nid = room->nid(),
                                                           .creator = actor.user_id,
                                                           .created_ts = transaction.now_ms()}));
  if (transaction.sql().changes() == 0) {
    return fail(ErrorKind::conflict, "M_UNKNOWN",
                "The alias " + std::string(alias) + " leads to a room already.");
  }
  return {};
}

Result<> Core::remove_alias(store::Transaction& transaction, const Actor& actor,
                            std::string_view alias) {
  GIMS_TRY_ASSIGN(const auto row,
                  sql::first(transaction.sql(), sql_of::AliasTarget{.alias = alias}));
  if (!row) return not_found("There is no alias " + std::string(alias) + ".");
  GIMS_TRY_ASSIGN(const RoomPtr room, timeline_.cache().find(transaction.sql(), row->room_nid));
  GIMS_TRY_ASSIGN(const matrix::EventPtr member,
                  RoomCache::member(transaction.sql(), *room, actor.user_id));
  const bool is_joined = member && member->membership() == "join";
  if (row->creator != actor.user_id && !(is_joined && may_name(*room, actor.user_id))) {
    return forbidden("Only who made an alias, or may name the room, can remove it.");
  }
  GIMS_TRY(sql::run(transaction.sql(), sql_of::DeleteAlias{.alias = alias}));
  // The alias goes, also where its mention in the room's state has to stay (spec: DELETE
  // /directory/room/{roomAlias}).
  if (const auto content = content_without(room->get(canonical_alias, ""), alias)) {
    auto updated = timeline_.append(
        transaction, *room,
        {.type = canonical_alias, .state_key = "", .sender = actor.user_id, .content = *content});
    if (!updated && updated.error().kind != ErrorKind::forbidden) return pass(std::move(updated));
  }
  return {};
}

Result<> Core::set_listed(store::Transaction& transaction, const Actor& actor,
                          std::string_view room_id, bool listed) {
  GIMS_TRY_ASSIGN(const RoomPtr room, joined_room(transaction, actor.user_id, room_id));
  if (!may_name(*room, actor.user_id)) {
    return forbidden("You may not change whether this room is listed.");
  }
  return sql::run(transaction.sql(),
                  sql_of::SetRoomListed{.is_listed = listed ? 1 : 0, .room_nid = room->nid()});
}

}  // namespace gims::service::rooms
