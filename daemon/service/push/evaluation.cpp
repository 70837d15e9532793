#include "service/push/evaluation.hpp"

#include <utility>

#include "store/statements/push.hpp"

namespace gims::service::push {
namespace {

namespace statements = store::statements;

constexpr std::int64_t most_events = 128;  // read at once

Told told_of(const statements::EventsToPush::Row& row, const matrix::Event& event) {
  return {.position = row.stream_id,
          .room = row.room_nid,
          .room_id = row.room_id,
          .event_id = row.event_id,
          .type = row.type,
          .sender = std::string(event.sender())};
}

}  // namespace

// One event, as its members are asked about it.
struct Evaluation::InRoom {
  sync::Reads& reads;
  const matrix::RoomVersion& version;
  const matrix::Event& event;
  const Audience::Members& members;
  std::shared_ptr<const Told> told;
  store::StreamId as_of;
  Outbox::Time now;
};

Result<Evaluation::Step> Evaluation::step(store::StreamId above, store::StreamId up_to,
                                          Outbox::Time now) {
  sync::Reads reads(store_);
  GIMS_TRY_ASSIGN(auto* connection, reads.sql());
  GIMS_TRY_ASSIGN(const auto rows,
                  sql::all(*connection, statements::EventsToPush{
                                            .above = above, .up_to = up_to, .most = most_events}));
  Step step{.position = up_to, .readers = {}};
  if (static_cast<std::int64_t>(rows.size()) == most_events) step.position = rows.back().stream_id;
  for (const auto& row : rows) {
    if (row.redacted_by) continue;
    const auto* version = matrix::find_room_version(row.version);
    GIMS_TRY_ASSIGN(const Audience::Members members, audience_.of_room(reads, row.room_nid));
    // An invitation goes to somebody who is no member.
    if (version == nullptr || (members->empty() && row.type != "m.room.member")) continue;
    // The check of the store tells of a damaged one.
    const auto event = matrix::Event::from_store(*version, row.event_id, row.pdu);
    if (!event) continue;
    InRoom room{.reads = reads,
                .version = *version,
                .event = **event,
                .members = members,
                .told = std::make_shared<const Told>(told_of(row, **event)),
                .as_of = up_to,
                .now = now};
    tell_members(room, step);
  }
  return step;
}

void Evaluation::tell_members(InRoom& room, Step& step) {
  const matrix::Event& event = room.event;
  if (event.is_state() && event.membership() == "invite") {
    const std::string invited(*event.state_key());
    if (outbox_.serves(invited) && invited != event.sender()) tell(room, invited, true);
  }
  for (const Audience::Member& member : *room.members) {
    if (!outbox_.serves(member.user_id)) continue;
    if (member.user_id == event.sender()) {
      step.readers.insert(member.user_id);
    } else if (member.since < room.told->position) {
      tell(room, member.user_id, false);
    }
  }
}

// A user of whom something cannot be read is not told of this event, and is of the next.
void Evaluation::tell(InRoom& room, const std::string& user_id, bool invites) {
  if (!feed_.ensure_user(store_, user_id)) return;
  const auto data = sync::user_data(feed_, room.reads, user_id, room.as_of);
  if (!data || (*data)->ignores(room.event.sender())) return;
  const auto result = evaluate(room, {.user_id = user_id, .data = *data});
  if (!result || !result->notify) return;
  const matrix::Event& event = room.event;
  outbox_.add(
      user_id,
      {.event = room.told,
       .invites = invites,
       .user_is_target = event.is_state("m.room.member", user_id),
       // What it says is known to the device alone, so it may be urgent.
       .high = result->highlight || !result->sound.empty() || event.type() == "m.room.encrypted",
       .highlight = result->highlight,
       .sound = std::string(result->sound)},
      room.now);
}

Result<matrix::PushResult> Evaluation::evaluate(InRoom& room, const sync::PushUser& user) {
  return sync::evaluate_push(feed_, room.reads, user, room.told->room, room.version, room.event,
                             room.as_of, sync::PushWanted::actions);
}

Result<Unread> unread_of(store::Store& store, sync::Feed& feed, const std::string& user_id,
                         store::RoomNid room) {
  GIMS_TRY(feed.ensure_user(store, user_id));
  const StreamToken here{.stream = feed.position()};
  const auto news = feed.collect(user_id, "", here, true);
  if (!news) {
    return fail(ErrorKind::unavailable, "M_UNKNOWN", "The server is busy. Try again.",
                "the user's entry was dropped");
  }
  const store::StreamId up_to = news->token.stream;
  sync::Reads reads(store);
  GIMS_TRY_ASSIGN(const auto data, sync::user_data(feed, reads, user_id, up_to));
  const sync::PushUser user{.user_id = user_id, .data = data};
  const std::vector<sync::ItemPtr> none;
  Unread unread;
  for (const sync::RoomNews& held : news->rooms) {
    if (held.nid == room) unread.invited = held.membership == sync::Membership::invite;
    if (held.membership != sync::Membership::join || held.version == nullptr) continue;
    GIMS_TRY_ASSIGN(
        const sync::Unread counted,
        sync::count_unread(feed, reads, user, held, up_to, {.above = up_to, .events = none}));
    std::int64_t count = counted.main.notify;
    for (const auto& [root, thread] : counted.threads) count += thread.notify;
    unread.total += count;
    if (held.nid == room) unread.in_room = count;
  }
  return unread;
}

}  // namespace gims::service::push
