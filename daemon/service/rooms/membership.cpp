// Who is in a room: invitations, joins, leaving, bans (spec: client-server API, "Room membership").
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "json/writer.hpp"
#include "matrix/ids.hpp"
#include "matrix/power_levels.hpp"
#include "service/errors.hpp"
#include "service/rooms/core.hpp"
#include "store/statements/memberships.hpp"
#include "store/statements/rooms.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

// Of one user. A first sync has something of each, and a change of name makes an event in each.
constexpr std::int64_t most_joined_rooms = 5'000;
constexpr std::string_view not_invited = "You are not invited to this room.";

// Of m.room.member, and of the body of a join.
constexpr std::array<std::string_view, 8> members_with_a_meaning{
    "avatar_url", "displayname", "is_direct",          "join_authorised_via_users_server",
    "membership", "reason",      "third_party_invite", "third_party_signed"};

// Rooms of others are refused in the same words as rooms that do not exist.
Result<> hide_from_strangers(Result<matrix::EventPtr> appended, bool is_stranger,
                             std::string_view text) {
  if (appended) return {};
  if (is_stranger && appended.error().kind == ErrorKind::forbidden) return forbidden(text);
  return pass(std::move(appended));
}

std::string_view membership_in(const matrix::EventPtr& member) {
  return member ? member->membership() : std::string_view();
}

}  // namespace

Result<std::string> Core::member_content(store::Transaction& transaction, std::string_view user_id,
                                         const MemberContent& what) {
  json::Writer out;
  out.begin_object();
  if (what.with_names) {
    GIMS_TRY(sql::for_each(transaction.sql(), sql_of::NamesOfUser{.user_id = user_id},
                           [&](const sql_of::NamesOfUser::View& field) {
                             if (field.value != "null") out.raw_member(field.name, field.value);
                           }));
  }
  if (what.is_direct) out.member("is_direct", true);
  if (!what.authorised_by.empty()) {
    out.member("join_authorised_via_users_server", what.authorised_by);
  }
  out.member("membership", what.membership);
  if (what.reason) out.member("reason", *what.reason);
  for (const auto& [key, value] : what.more.object()) {
    if (!std::ranges::contains(members_with_a_meaning, key)) out.key(key).value(value);
  }
  out.end_object();
  return out.take();
}

Result<> Core::check_invitee(store::Transaction& transaction, std::string_view user_id) {
  GIMS_TRY(matrix::require_user_id(user_id, "user_id"));
  if (matrix::domain_of(user_id) != policy.server_name) {
    return forbidden("This server does not reach users of other servers.");
  }
  GIMS_TRY_ASSIGN(const auto row,
                  sql::first(transaction.sql(), sql_of::UserCanBeInvited{.user_id = user_id}));
  if (!row) return not_found("There is no user " + std::string(user_id) + ".");
  return {};
}

Result<> Core::check_joined_rooms(store::Transaction& transaction, std::string_view user_id) {
  GIMS_TRY_ASSIGN(const auto row,
                  sql::first(transaction.sql(), sql_of::CountRoomsWithMembership{
                                                    .user_id = user_id, .membership = "join"}));
  if (row && row->rooms >= most_joined_rooms) {
    return forbidden("You are in as many rooms as one may be in. Leave some of them first.");
  }
  return {};
}

// Spec: rooms/v8, "Join rules", restricted: who is in one of the listed rooms may come in, on the
// word of a member who may invite.
Result<std::string> Core::authoriser_of_join(store::Transaction& transaction, Room& room,
                                             std::string_view user_id) {
  const matrix::EventPtr rules = room.get("m.room.join_rules", "");
  const std::string_view rule =
      rules ? rules->content().get("join_rule").string_or("") : std::string_view();
  if (rule != "restricted" && rule != "knock_restricted") return std::string();
  GIMS_TRY_ASSIGN(const matrix::EventPtr member,
                  RoomCache::member(transaction.sql(), room, user_id));
  const std::string_view membership = membership_in(member);
  if (membership == "join" || membership == "invite") return std::string();
  bool is_allowed = false;
  for (const json::Value condition : rules->content().get("allow").array()) {
    const auto other = condition.get("room_id").as_string();
    if (condition.get("type").as_string() != "m.room_membership" || !other) continue;
    GIMS_TRY_ASSIGN(const auto target,
                    sql::first(transaction.sql(), sql_of::RoomById{.room_id = *other}));
    if (!target) continue;
    GIMS_TRY_ASSIGN(const auto row, sql::first(transaction.sql(),
                                               sql_of::MembershipOf{.user_id = user_id,
                                                                    .room_nid = target->room_nid}));
    if (row && row->membership == "join") {
      is_allowed = true;
      break;
    }
  }
  if (!is_allowed) return std::string();
  const auto levels = matrix::PowerLevels::of(room);
  std::string authoriser;
  GIMS_TRY(transaction.sql().step(
      sql_of::MembersOfRoom::info,
      [&](sql::Cursor& cursor) {
        sql_of::MembersOfRoom{.room_nid = room.nid(), .membership = "join"}.bind(cursor);
      },
      [&](const sql::Cursor& cursor) {
        const std::string_view user = sql_of::MembersOfRoom::view(cursor).user_id;
        if (matrix::domain_of(user) != policy.server_name ||
            levels.of_user(user) < levels.to_invite()) {
          return true;
        }
        authoriser = user;
        return false;
      }));
  return authoriser;
}

Result<std::string> Core::join(store::Transaction& transaction, const Actor& actor,
                               const MembershipRequest& request) {
  GIMS_TRY_ASSIGN(const RoomPtr room, timeline_.cache().find(transaction.sql(), request.room_id));
  if (!room) return forbidden(not_invited);
  GIMS_TRY_ASSIGN(const matrix::EventPtr member,
                  RoomCache::member(transaction.sql(), *room, actor.user_id));
  const std::string_view before = membership_in(member);
  const std::string_view membership = request.act == Act::knock ? "knock" : "join";
  if (room->is_shut()) return forbidden(before.empty() ? not_invited : shut_room);
  if (before == membership) return room->id();
  std::string authoriser;
  json::Document more;
  if (request.act == Act::join && !request.details.more.empty()) {
    GIMS_TRY_ASSIGN(more, json::Document::parse(request.details.more));
  }
  if (request.act == Act::join) {
    GIMS_TRY(check_joined_rooms(transaction, actor.user_id));
    GIMS_TRY_ASSIGN(authoriser, authoriser_of_join(transaction, *room, actor.user_id));
  }
  GIMS_TRY_ASSIGN(const std::string content,
                  member_content(transaction, actor.user_id,
                                 {.membership = membership,
                                  .reason = request.details.reason,
                                  .is_direct = before == "invite" && request.act == Act::join &&
                                               member->content().get("is_direct").bool_or(false),
                                  .authorised_by = authoriser,
                                  .more = more.root()}));
  auto appended = timeline_.append(transaction, *room,
                                   {.type = "m.room.member",
                                    .state_key = actor.user_id,
                                    .sender = actor.user_id,
                                    .content = content,
                                    .device_id = actor.device_id});
  const bool is_stranger = before.empty() || before == "leave";
  GIMS_TRY(hide_from_strangers(std::move(appended), is_stranger, not_invited));
  if (request.act == Act::join) {
    GIMS_TRY(take_settings_along(transaction, *room, actor.user_id));
  }
  return room->id();
}

Result<std::string> Core::set_membership(store::Transaction& transaction, const Actor& actor,
                                         const MembershipRequest& request) {
  if (request.act == Act::join || request.act == Act::knock) {
    return join(transaction, actor, request);
  }
  GIMS_TRY_ASSIGN(RoomPtr room, timeline_.cache().find(transaction.sql(), request.room_id));
  const bool is_own = request.act == Act::leave;
  if (!is_own) {
    GIMS_TRY_ASSIGN(room, joined_room(transaction, actor.user_id, request.room_id));
  }
  if (!room) return forbidden(not_in_room);
  const std::string& target = is_own ? actor.user_id : request.target;
  if (!is_own) GIMS_TRY(matrix::require_user_id(target, "user_id"));
  GIMS_TRY_ASSIGN(const matrix::EventPtr member,
                  RoomCache::member(transaction.sql(), *room, target));
  const std::string_view before = membership_in(member);
  std::string_view membership = "leave";
  switch (request.act) {
    case Act::leave:
      if (before.empty()) return forbidden(not_in_room);
      if (before == "leave") return room->id();
      break;
    case Act::invite:
      if (before == "invite") return room->id();
      GIMS_TRY(check_invitee(transaction, target));
      membership = "invite";
      break;
    case Act::kick:
      if (before != "join" && before != "invite" && before != "knock") {
        return forbidden("This user is not in the room.");
      }
      break;
    case Act::ban:
      membership = "ban";
      break;
    case Act::unban:
      if (before != "ban") {
        return fail(ErrorKind::forbidden, "M_BAD_STATE", "This user is not banned from the room.");
      }
      break;
    case Act::join:
    case Act::knock:
      break;
  }
  GIMS_TRY_ASSIGN(const std::string content,
                  member_content(transaction, target,
                                 {.membership = membership,
                                  .reason = request.details.reason,
                                  .with_names = membership == "invite"}));
  GIMS_TRY(timeline_.append(transaction, *room,
                            {.type = "m.room.member",
                             .state_key = target,
                             .sender = actor.user_id,
                             .content = content,
                             .device_id = actor.device_id}));
  return room->id();
}

Result<> Core::forget(store::Transaction& transaction, const Actor& actor,
                      std::string_view room_id) {
  GIMS_TRY_ASSIGN(const auto room,
                  sql::first(transaction.sql(), sql_of::RoomById{.room_id = room_id}));
  const auto still_in = [] {
    return fail(ErrorKind::bad_input, "M_UNKNOWN", "Leave the room before you forget it.");
  };
  if (!room) return still_in();
  GIMS_TRY_ASSIGN(const auto row,
                  sql::first(transaction.sql(), sql_of::MembershipOf{.user_id = actor.user_id,
                                                                     .room_nid = room->room_nid}));
  if (!row || (row->membership != "leave" && row->membership != "ban")) return still_in();
  return sql::run(transaction.sql(),
                  sql_of::ForgetRoom{.user_id = actor.user_id, .room_nid = room->room_nid});
}

namespace {

// A refusal concerns one room; anything else the whole operation.
Result<> unless_refused(Result<matrix::EventPtr> appended) {
  if (appended || appended.error().kind == ErrorKind::forbidden) return {};
  return pass(std::move(appended));
}

}  // namespace

Result<> Core::profile_changed(store::Transaction& transaction, std::string_view user_id,
                               std::optional<std::string_view> displayname,
                               std::optional<std::string_view> avatar_url) {
  json::Writer out;
  out.begin_object();
  if (displayname) out.raw_member("displayname", *displayname);
  if (avatar_url) out.raw_member("avatar_url", *avatar_url);
  out.member("membership", "join").end_object();
  const std::string content = out.take();
  GIMS_TRY_ASSIGN(const auto rooms,
                  sql::all(transaction.sql(),
                           sql_of::RoomsWithMembership{.user_id = user_id, .membership = "join"}));
  for (const auto& row : rooms) {
    GIMS_TRY_ASSIGN(const RoomPtr room, timeline_.cache().find(transaction.sql(), row.room_nid));
    if (!room) continue;
    GIMS_TRY(unless_refused(timeline_.append(
        transaction, *room,
        {.type = "m.room.member", .state_key = user_id, .sender = user_id, .content = content})));
  }
  return {};
}

Result<> Core::leave_all(store::Transaction& transaction, std::string_view user_id) {
  for (const std::string_view membership : {"join", "invite", "knock"}) {
    GIMS_TRY_ASSIGN(const auto rooms,
                    sql::all(transaction.sql(), sql_of::RoomsWithMembership{
                                                    .user_id = user_id, .membership = membership}));
    for (const auto& row : rooms) {
      GIMS_TRY_ASSIGN(const RoomPtr room, timeline_.cache().find(transaction.sql(), row.room_nid));
      if (!room) continue;
      GIMS_TRY(unless_refused(timeline_.append(transaction, *room,
                                               {.type = "m.room.member",
                                                .state_key = user_id,
                                                .sender = user_id,
                                                .content = R"({"membership":"leave"})"})));
    }
  }
  return {};
}

}  // namespace gims::service::rooms
