#include "service/rooms/timeline.hpp"

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "json/value.hpp"
#include "matrix/auth_rules.hpp"
#include "matrix/event_builder.hpp"
#include "matrix/redact.hpp"
#include "store/statements/events.hpp"
#include "store/statements/memberships.hpp"
#include "store/statements/state.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

Result<matrix::EventPtr> Timeline::build(store::Transaction& transaction, Room& room,
                                         const NewEvent& event) {
  // Only the auth events of a membership depend on the content.
  json::Document content;
  if (event.type == "m.room.member") {
    GIMS_TRY_ASSIGN(content, json::Document::parse(event.content));
  }
  std::vector<std::string> auth_events;
  for (const matrix::StateKey& key : matrix::auth_state_keys(
           room.version(), event.type, event.sender, event.state_key, content.root())) {
    matrix::EventPtr found;
    if (key.type == "m.room.member") {
      GIMS_TRY_ASSIGN(found, RoomCache::member(transaction.sql(), room, key.state_key));
    } else {
      found = room.get(key.type, key.state_key);
    }
    if (found) auth_events.push_back(found->event_id());
  }
  const bool first = room.latest_event().empty();
  const std::span<const std::string> previous =
      first ? std::span<const std::string>() : std::span(&room.latest_event(), 1);
  GIMS_TRY_ASSIGN(
      matrix::EventPtr built,
      matrix::build_event(room.version(), {.room_id = first && room.version().room_id_is_create_hash
                                                          ? std::string_view()
                                                          : std::string_view(room.id()),
                                           .type = event.type,
                                           .state_key = event.state_key,
                                           .sender = event.sender,
                                           .content = event.content,
                                           .prev_events = previous,
                                           .auth_events = auth_events,
                                           .depth = room.depth() + 1,
                                           .origin_server_ts = transaction.now_ms(),
                                           .redacts = event.redacts}));
  GIMS_TRY(matrix::authorise(room.version(), *built, room));
  return built;
}

Result<matrix::EventPtr> Timeline::append(store::Transaction& transaction, Room& room,
                                          const NewEvent& event) {
  GIMS_TRY_ASSIGN(matrix::EventPtr built, build(transaction, room, event));
  GIMS_TRY(store(transaction, room, built, event.device_id, event.txn_id));
  return built;
}

namespace {

std::optional<std::string_view> unless_empty(std::string_view text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

Result<> Timeline::store(store::Transaction& transaction, Room& room, const matrix::EventPtr& event,
                         std::string_view device_id, std::string_view txn_id) {
  transaction.on_failure([this, nid = room.nid()] { cache_.drop(nid); });
  const store::StreamId position = transaction.next_position();
  matrix::EventPtr previous;
  if (event->type() == "m.room.member" && event->is_state()) {
    GIMS_TRY_ASSIGN(previous, RoomCache::member(transaction.sql(), room, *event->state_key()));
  } else if (event->is_state()) {
    previous = room.get(event->type(), *event->state_key());
  }
  const matrix::Relation relation = matrix::relation_of(*event);
  GIMS_TRY(sql::run(
      transaction.sql(),
      sql_of::InsertEvent{
          .stream_id = position,
          .event_id = event->event_id(),
          .room_nid = room.nid(),
          .type = event->type(),
          .state_key = event->state_key(),
          .sender = event->sender(),
          .depth = event->depth(),
          .origin_ts = event->origin_server_ts(),
          .relates_to = relation.target,
          .rel_type = relation.type,
          .replaces_state =
              previous ? std::optional<std::string_view>(previous->event_id()) : std::nullopt,
          .device_id = unless_empty(device_id),
          .txn_id = unless_empty(txn_id),
          .pdu = {event->bytes()}}));
  if (event->is_state()) {
    GIMS_TRY(sql::run(transaction.sql(), sql_of::SetCurrentState{.room_nid = room.nid(),
                                                                 .type = event->type(),
                                                                 .state_key = *event->state_key(),
                                                                 .stream_id = position,
                                                                 .event_id = event->event_id()}));
  }
  room.append(event);
  transaction.publish(store::EventAdded{.room = room.nid(),
                                        .position = position,
                                        .event = event,
                                        .device_id = std::string(device_id),
                                        .txn_id = std::string(txn_id)});
  if (event->type() == "m.room.member" && event->is_state()) {
    return take_member(transaction, room, *event, position, previous);
  }
  if (event->type() == "m.room.redaction" && event->redacts()) {
    return carry_out(transaction, room, *event, position);
  }
  return {};
}

Result<> Timeline::take_member(store::Transaction& transaction, const Room& room,
                               const matrix::Event& event, store::StreamId position,
                               const matrix::EventPtr& previous) {
  GIMS_TRY(
      sql::run(transaction.sql(),
               sql_of::SetMembership{.user_id = *event.state_key(),
                                     .room_nid = room.nid(),
                                     .membership = event.membership(),
                                     .event_id = event.event_id(),
                                     .stream_id = position,
                                     .sender = event.sender(),
                                     .display_name = event.content().get("displayname").as_string(),
                                     .avatar_url = event.content().get("avatar_url").as_string()}));
  transaction.publish(store::MembershipChanged{
      .room = room.nid(),
      .position = position,
      .user_id = std::string(*event.state_key()),
      .membership = std::string(event.membership()),
      .previous_membership = previous ? std::string(previous->membership()) : std::string()});
  return {};
}

// Spec: client-server API, "Redactions"; rooms/v3, "Handling redactions".
Result<> Timeline::carry_out(store::Transaction& transaction, Room& room,
                             const matrix::Event& redaction, store::StreamId position) {
  const std::string_view target_id = *redaction.redacts();
  GIMS_TRY_ASSIGN(auto row,
                  sql::first(transaction.sql(), sql_of::EventById{.event_id = target_id}));
  if (!row || row->room_nid != room.nid() || row->redacted_by) return {};
  GIMS_TRY_ASSIGN(const matrix::EventPtr target,
                  matrix::Event::from_store(room.version(), row->event_id, std::move(row->pdu)));
  if (!matrix::redaction_applies(redaction, *target, room)) return {};
  GIMS_TRY_ASSIGN(const matrix::EventPtr stripped, matrix::redacted(*target));
  GIMS_TRY(sql::run(transaction.sql(), sql_of::RedactEvent{.redacted_by = redaction.event_id(),
                                                           .pdu = {stripped->bytes()},
                                                           .event_id = target_id}));
  if (target->is_state()) {
    matrix::EventPtr in_force = room.get(target->type(), *target->state_key());
    if (in_force && in_force->event_id() == target_id) room.put_state(stripped);
    if (target->type() == "m.room.member") {
      GIMS_TRY(sql::run(transaction.sql(), sql_of::ClearMemberNames{.event_id = target_id}));
    }
  }
  transaction.publish(store::EventRedacted{
      .room = room.nid(), .position = position, .event_id = std::string(target_id)});
  return {};
}

}  // namespace gims::service::rooms
