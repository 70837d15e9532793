// Messages, state and redactions that clients send.
#include <array>
#include <string>
#include <utility>

#include "json/edit.hpp"
#include "json/text.hpp"
#include "matrix/auth_rules.hpp"
#include "matrix/ids.hpp"
#include "service/errors.hpp"
#include "service/rooms/core.hpp"
#include "service/rooms/encryption_rule.hpp"
#include "store/statements/aliases.hpp"
#include "store/statements/events.hpp"
#include "store/statements/transactions.hpp"
#include "store/statements/users.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

struct TransactionKey {
  std::string_view user_id;
  std::string_view device_id;
  std::string_view txn_id;
  std::string_view endpoint;
};

Result<std::optional<std::string>> answer_of(store::Transaction& transaction,
                                             const TransactionKey& key) {
  GIMS_TRY_ASSIGN(
      auto row, sql::first(transaction.sql(), sql_of::TransactionResult{.user_id = key.user_id,
                                                                        .device_id = key.device_id,
                                                                        .txn_id = key.txn_id,
                                                                        .endpoint = key.endpoint}));
  if (!row) return std::nullopt;
  return std::move(row->result);
}

// Spec: client-server API, "Avoiding duplicate annotations".
Result<> check_annotation(store::Transaction& transaction, const Actor& actor,
                          json::Value content) {
  const json::Value relation = content.get("m.relates_to");
  const auto target = relation.get("event_id").as_string();
  const auto key = relation.get("key").as_string();
  if (relation.get("rel_type").as_string() != "m.annotation" || !target || !key) return {};
  GIMS_TRY_ASSIGN(const auto rows,
                  sql::all(transaction.sql(), sql_of::ReactionsOfUser{.relates_to = *target,
                                                                      .sender = actor.user_id}));
  for (const auto& row : rows) {
    GIMS_TRY_ASSIGN(const json::Document earlier, json::Document::parse(row.pdu));
    if (earlier.root().get("content").get("m.relates_to").get("key").as_string() == key) {
      return fail(ErrorKind::bad_input, "M_DUPLICATE_ANNOTATION",
                  "You have reacted with this already.");
    }
  }
  return {};
}

}  // namespace

Core::Core(store::Store& store_of, const Policy& policy_of, const Clock& clock_of) noexcept
    : store(store_of), policy(policy_of), clock(clock_of), timeline_(200'000) {}

Result<RoomPtr> Core::joined_room(store::Transaction& transaction, std::string_view user_id,
                                  std::string_view room_id) {
  GIMS_TRY_ASSIGN(RoomPtr room, timeline_.cache().find(transaction.sql(), room_id));
  if (!room) return forbidden(not_in_room);
  GIMS_TRY_ASSIGN(const matrix::EventPtr member,
                  RoomCache::member(transaction.sql(), *room, user_id));
  if (!member || member->membership() != "join") return forbidden(not_in_room);
  if (room->is_shut()) return forbidden(shut_room);
  return room;
}

// Nothing is read for the ordinary send: that the transaction id is new is known from its
// insertion.
Result<std::string> Core::append_once(store::Transaction& transaction, Room& room,
                                      const NewEvent& event, std::string_view endpoint) {
  const TransactionKey key{.user_id = event.sender,
                           .device_id = event.device_id,
                           .txn_id = event.txn_id,
                           .endpoint = endpoint};
  auto built = timeline_.build(transaction, room, event);
  if (!built) {
    // A retry after a demotion still gets the answer of the first try.
    if (!event.txn_id.empty()) {
      GIMS_TRY_ASSIGN(auto answer, answer_of(transaction, key));
      if (answer) return std::move(*answer);
    }
    return pass(std::move(built));
  }
  if (!event.txn_id.empty()) {
    GIMS_TRY(sql::run(transaction.sql(),
                      sql_of::RememberTransaction{.user_id = key.user_id,
                                                  .device_id = key.device_id,
                                                  .txn_id = key.txn_id,
                                                  .endpoint = key.endpoint,
                                                  .result = (*built)->event_id(),
                                                  .created_ts = transaction.now_ms()}));
    if (transaction.sql().changes() == 0) {
      GIMS_TRY_ASSIGN(auto answer, answer_of(transaction, key));
      if (answer) return std::move(*answer);
    }
  }
  GIMS_TRY(timeline_.store(transaction, room, *built, event.device_id, event.txn_id));
  return (*built)->event_id();
}

Result<std::string> Core::send_message(store::Transaction& transaction, const Actor& actor,
                                       std::string_view room_id, std::string_view type,
                                       std::string_view content, std::string_view txn_id) {
  std::string endpoint(room_id);
  endpoint.append("/send/").append(type);
  const TransactionKey key{.user_id = actor.user_id,
                           .device_id = actor.device_id,
                           .txn_id = txn_id,
                           .endpoint = endpoint};
  auto room = joined_room(transaction, actor.user_id, room_id);
  // What needs more than the room's state is looked at after a retry is ruled out.
  const bool is_redaction = type == "m.room.redaction";
  const bool is_readable = policy.forced_encryption && type != "m.room.encrypted";
  if (!room || type == "m.reaction" || is_redaction || is_readable) {
    if (!txn_id.empty()) {
      GIMS_TRY_ASSIGN(auto answer, answer_of(transaction, key));
      if (answer) return std::move(*answer);
    }
    if (!room) return pass(std::move(room));
  }
  if (is_readable) GIMS_TRY(check_readable(transaction, actor, **room, type, content));
  NewEvent event{.type = type,
                 .sender = actor.user_id,
                 .content = content,
                 .device_id = actor.device_id,
                 .txn_id = txn_id};
  json::Document parsed;
  std::string redacts;
  std::string without_target;
  if (type == "m.reaction" || is_redaction) {
    GIMS_TRY_ASSIGN(parsed, json::Document::parse(content));
  }
  if (type == "m.reaction") GIMS_TRY(check_annotation(transaction, actor, parsed.root()));
  if (is_redaction) {
    redacts = parsed.root().get("redacts").string_or("");
    GIMS_TRY(check_redaction(transaction, actor, **room, redacts));
    event.redacts = redacts;
    if (!(*room)->version().redacts_in_content) {
      without_target = json::without_member(parsed.root(), "redacts");
      event.content = without_target;
    }
  }
  return append_once(transaction, **room, event, endpoint);
}

Result<> Core::check_readable(store::Transaction& transaction, const Actor& actor, Room& room,
                              std::string_view type, std::string_view content) {
  GIMS_TRY_ASSIGN(const Conditions needed, check_message(actor, type, content));
  if (!needed.to.empty()) {
    GIMS_TRY_ASSIGN(const matrix::EventPtr member,
                    RoomCache::member(transaction.sql(), room, needed.to));
    const std::string_view membership = member ? member->membership() : std::string_view();
    if (membership != "join" && membership != "invite") return must_be_encrypted();
  }
  if (needed.answers.empty()) return {};
  GIMS_TRY_ASSIGN(auto row,
                  sql::first(transaction.sql(), sql_of::EventById{.event_id = needed.answers}));
  if (!row || row->room_nid != room.nid()) return must_be_encrypted();
  GIMS_TRY_ASSIGN(const matrix::EventPtr asking,
                  matrix::Event::from_store(room.version(), row->event_id, std::move(row->pdu)));
  // Some clients encrypt the request, and it may be answered by one that does not encrypt: whom it
  // asks is not to be seen then.
  if (asking->type() == "m.room.encrypted") return {};
  const json::Value request = asking->content();
  const bool is_request = asking->type() == "m.room.message" &&
                          request.get("msgtype").as_string() == verification_request;
  const bool is_ours =
      asking->sender() == actor.user_id || request.get("to").as_string() == actor.user_id;
  if (!is_request || !is_ours) return must_be_encrypted();
  return {};
}

Result<> Core::check_redaction(store::Transaction& transaction, const Actor& actor,
                               const Room& room, std::string_view event_id) {
  GIMS_TRY_ASSIGN(auto row, sql::first(transaction.sql(), sql_of::EventById{.event_id = event_id}));
  if (!row || row->room_nid != room.nid()) {
    return not_found("There is no such event in this room.");
  }
  GIMS_TRY_ASSIGN(const matrix::EventPtr target,
                  matrix::Event::from_store(room.version(), row->event_id, std::move(row->pdu)));
  if (target->is_state("m.room.create", "")) {
    return forbidden("The event that made the room cannot be removed.");
  }
  // Its removal would take the algorithm out of the state, and new devices would not encrypt.
  if (policy.forced_encryption && target->is_state(encryption_event, ""))
    return encryption_is_fixed();
  if (!matrix::may_redact(actor.user_id, *target, room)) {
    return forbidden("You may remove only your own messages in this room.");
  }
  if (target->sender() == actor.user_id) return {};
  GIMS_TRY_ASSIGN(const auto account,
                  sql::first(transaction.sql(), sql_of::UserById{.user_id = actor.user_id}));
  if (account && account->state == "suspended") {
    return fail(ErrorKind::forbidden, "M_USER_SUSPENDED",
                "This account is suspended: it may remove only its own messages.");
  }
  return {};
}

Result<std::string> Core::redact(store::Transaction& transaction, const Actor& actor,
                                 std::string_view room_id, std::string_view event_id,
                                 std::string_view content, std::string_view txn_id) {
  std::string endpoint(room_id);
  endpoint.append("/redact/").append(event_id);
  if (!txn_id.empty()) {
    GIMS_TRY_ASSIGN(auto answer, answer_of(transaction, {.user_id = actor.user_id,
                                                         .device_id = actor.device_id,
                                                         .txn_id = txn_id,
                                                         .endpoint = endpoint}));
    if (answer) return std::move(*answer);
  }
  GIMS_TRY_ASSIGN(const RoomPtr room, joined_room(transaction, actor.user_id, room_id));
  GIMS_TRY(check_redaction(transaction, actor, *room, event_id));
  return append_once(transaction, *room,
                     {.type = "m.room.redaction",
                      .sender = actor.user_id,
                      .content = content,
                      .redacts = event_id,
                      .device_id = actor.device_id,
                      .txn_id = txn_id},
                     endpoint);
}

Result<std::string> Core::send_state(store::Transaction& transaction, const Actor& actor,
                                     std::string_view room_id, const StateInput& state) {
  GIMS_TRY_ASSIGN(const json::Document parsed, json::Document::parse(state.content));
  RoomPtr room;
  if (state.type == "m.room.member") {
    // One's own membership can be set without being in the room; the rules decide.
    GIMS_TRY_ASSIGN(room, timeline_.cache().find(transaction.sql(), room_id));
    if (!room) return forbidden(not_in_room);
    if (room->is_shut()) return forbidden(shut_room);
    if (state.state_key != actor.user_id) {
      GIMS_TRY_ASSIGN(room, joined_room(transaction, actor.user_id, room_id));
    }
  } else {
    GIMS_TRY_ASSIGN(room, joined_room(transaction, actor.user_id, room_id));
  }
  GIMS_TRY(check_state(transaction, *room, state, parsed.root()));
  matrix::EventPtr in_force;
  if (state.type == "m.room.member") {
    GIMS_TRY_ASSIGN(in_force, RoomCache::member(transaction.sql(), *room, state.state_key));
    const std::string_view membership = parsed.root().get("membership").string_or("");
    if (!in_force && membership != "join") {
      GIMS_TRY_ASSIGN(room, joined_room(transaction, actor.user_id, room_id));
    }
  } else {
    in_force = room->get(state.type, state.state_key);
  }
  // The same state once more from the same sender changes nothing and makes no event.
  if (in_force && in_force->sender() == actor.user_id &&
      in_force->content().equals(parsed.root())) {
    return in_force->event_id();
  }
  std::string content = state.content;
  if (state.type == "m.room.member") {
    GIMS_TRY_ASSIGN(content, checked_member(transaction, actor, *room, state, parsed.root()));
  }
  auto appended = timeline_.append(transaction, *room,
                                   {.type = state.type,
                                    .state_key = state.state_key,
                                    .sender = actor.user_id,
                                    .content = content,
                                    .device_id = actor.device_id});
  if (!appended && !in_force && state.type == "m.room.member" &&
      appended.error().kind == ErrorKind::forbidden) {
    return forbidden(not_in_room);  // as for a room that does not exist
  }
  if (!appended) return pass(std::move(appended));
  const bool was_joined = in_force && in_force->membership() == "join";
  if (state.type == "m.room.member" && state.state_key == actor.user_id && !was_joined &&
      (*appended)->membership() == "join") {
    GIMS_TRY(take_settings_along(transaction, *room, actor.user_id));
  }
  return (*appended)->event_id();
}

Result<std::string> Core::checked_member(store::Transaction& transaction, const Actor& actor,
                                         Room& room, const StateInput& state, json::Value content) {
  GIMS_TRY_ASSIGN(const matrix::EventPtr in_force,
                  RoomCache::member(transaction.sql(), room, state.state_key));
  const std::string_view membership = content.get("membership").string_or("");
  const bool was_invited = in_force && in_force->membership() == "invite";
  if (membership == "invite" && !was_invited) {
    GIMS_TRY(check_invitee(transaction, state.state_key));
  }
  if (membership != "join" || state.state_key != actor.user_id) return state.content;
  // Only this server may vouch for a member of its own.
  GIMS_TRY_ASSIGN(const std::string authoriser,
                  authoriser_of_join(transaction, room, actor.user_id));
  constexpr std::string_view vouched = "join_authorised_via_users_server";
  return authoriser.empty() ? json::without_member(content, vouched)
                            : json::with_member(content, vouched, json::quoted(authoriser));
}

Result<> Core::check_state(store::Transaction& transaction, const Room& room,
                           const StateInput& state, json::Value content) {
  if (policy.forced_encryption && state.type == encryption_event) {
    const matrix::EventPtr in_force = room.get(encryption_event, "");
    const bool same = in_force && state.state_key.empty() && in_force->content().equals(content);
    if (!same) return encryption_is_fixed();
  }
  if (state.type == "m.room.canonical_alias" && state.state_key.empty()) {
    return check_aliases(transaction, room, content);
  }
  return {};
}

// Spec: client-server API, PUT /rooms/{roomId}/state: aliases that are new to the event must be
// well-formed and lead to this room.
Result<> Core::check_aliases(store::Transaction& transaction, const Room& room,
                             json::Value content) {
  const matrix::EventPtr before = room.get("m.room.canonical_alias", "");
  const json::Value old = before ? before->content() : json::Value();
  const auto is_known = [&](std::string_view alias) {
    if (old.get("alias").as_string() == alias) return true;
    for (const json::Value known : old.get("alt_aliases").array()) {
      if (known.as_string() == alias) return true;
    }
    return false;
  };
  const auto check = [&](json::Value value) -> Result<> {
    const auto alias = value.as_string();
    if (!alias) return bad_json("An alias must be a string.");
    if (alias->empty() || is_known(*alias)) return {};
    if (!matrix::is_room_alias(*alias)) {
      return invalid_param("An alias has the form #name:" + policy.server_name + ".");
    }
    GIMS_TRY_ASSIGN(const auto row,
                    sql::first(transaction.sql(), sql_of::AliasTarget{.alias = *alias}));
    if (row && row->room_nid == room.nid()) return {};
    return fail(ErrorKind::bad_input, "M_BAD_ALIAS",
                "The alias " + std::string(*alias) + " does not lead to this room.");
  };
  const json::Value alias = content.get("alias");
  if (alias.valid() && !alias.is_null()) GIMS_TRY(check(alias));
  const json::Value others = content.get("alt_aliases");
  if (others.valid() && !others.is_array()) return bad_json("alt_aliases must be a list.");
  for (const json::Value other : others.array()) GIMS_TRY(check(other));
  return {};
}

}  // namespace gims::service::rooms
