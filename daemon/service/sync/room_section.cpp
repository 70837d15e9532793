#include "service/sync/room_section.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "json/writer.hpp"
#include "matrix/client_event.hpp"
#include "service/sync/item.hpp"
#include "store/statements/sync.hpp"

namespace gims::service::sync {
namespace {

namespace statements = store::statements;

bool is_member_of(const Item& item, std::string_view user_id) {
  return item.is_member_event() && item.event()->state_key() == user_id;
}

using StateKey = std::pair<std::string_view, std::string_view>;
StateKey key_of(const Item& item) { return {item.event()->type(), *item.event()->state_key()}; }

}  // namespace

RoomSections::RoomSections(Feed& feed, Reads& reads, const SyncRequest& request,
                           const UserData& user_data, const PushUser& push_user, StreamToken to)
    : feed_(feed),
      reads_(reads),
      request_(request),
      user_data_(user_data),
      push_user_(push_user),
      to_(to),
      since_(request.since ? request.since->stream : 0) {}

bool RoomSections::Timeline::has(store::StreamId position) const {
  return std::ranges::binary_search(items, position, {},
                                    [](const ItemPtr& item) { return item->position(); });
}

Result<std::optional<RoomSection>> RoomSections::make(const RoomNews& news,
                                                      std::vector<std::string> account_data) {
  if (news.version == nullptr || news.forgotten) return std::nullopt;
  switch (news.membership) {
    case Membership::join:
      return joined(news, std::move(account_data));
    case Membership::invite:
    case Membership::knock:
      return stripped(news);
    case Membership::leave:
    case Membership::ban:
      return left(news, std::move(account_data));
  }
  return std::nullopt;
}

// All state events of (since, to], or the newest of each key where the table was asked.
Result<std::vector<ItemPtr>> RoomSections::state_changes(const RoomNews& news) {
  if (news.events_complete) {
    std::vector<ItemPtr> changes;
    for (const ItemPtr& item : news.events) {
      if (item->event()->is_state()) changes.push_back(item);
    }
    return changes;
  }
  if (news.last_event <= since_) return std::vector<ItemPtr>();
  return reads_.state_since(news.nid, *news.version, since_, to_.stream);
}

// Who came and went, from the user's membership at `since` to now.
Result<> RoomSections::meet(const RoomNews& news, const std::vector<ItemPtr>& changes) {
  std::map<std::string_view, std::pair<const Item*, const Item*>> members;  // first, last
  for (const ItemPtr& item : changes) {
    if (!item->is_member_event() || is_member_of(*item, request_.user_id)) continue;
    auto& [first, last] = members[*item->event()->state_key()];
    if (first == nullptr) first = item.get();
    last = item.get();
  }
  for (const auto& [user_id, steps] : members) {
    std::string before;
    if (const auto& previous = steps.first->previous_membership()) {
      before = *previous;
    } else {
      GIMS_TRY_ASSIGN(before, reads_.membership_at(news.nid, *news.version, user_id, since_));
    }
    const bool was_joined = before == "join";
    const bool is_joined = steps.second->event()->membership() == "join";
    if (is_joined && !was_joined) encounters_.joined.emplace(user_id);
    if (was_joined && !is_joined) encounters_.left.emplace(user_id);
  }
  return {};
}

Result<std::optional<RoomSection>> RoomSections::joined(const RoomNews& news,
                                                        std::vector<std::string> account_data) {
  bool was_joined = request_.since.has_value();
  if (was_joined && news.membership_position > since_) {
    GIMS_TRY_ASSIGN(const std::string before,
                    reads_.membership_at(news.nid, *news.version, request_.user_id, since_));
    was_joined = before == "join";
  }
  std::vector<ItemPtr> changes;
  if (was_joined) {
    GIMS_TRY_ASSIGN(changes, state_changes(news));
    GIMS_TRY(meet(news, changes));
  } else if (request_.since) {
    encounters_.new_rooms.push_back(news.nid);
  }
  if (!request_.filter->passes_room(news.room_id)) return std::nullopt;

  RoomSection section;
  section.room_id = news.room_id;
  const bool whole = !was_joined || request_.full_state;
  std::optional<rooms::Visibility> visibility;
  if (!was_joined) {
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    GIMS_TRY_ASSIGN(visibility, rooms::Visibility::load(*connection, news.nid, request_.user_id));
  }
  const Range range{.above = was_joined ? since_ : 0,
                    .up_to = to_.stream,
                    .whole_state = whole,
                    .visibility = visibility ? &*visibility : nullptr};
  RoomNews covered = news;
  // Memory was asked for what came after `since` only.
  if (!was_joined && request_.since.has_value()) covered.events_complete = false;
  GIMS_TRY_ASSIGN(Timeline timeline, this->timeline(covered, range));
  const bool members_changed =
      std::ranges::any_of(changes, [](const ItemPtr& item) { return item->is_member_event(); });
  if (whole || members_changed) {
    GIMS_TRY_ASSIGN(section.summary, summary(news));
  }
  GIMS_TRY_ASSIGN(section.state, state(news, range, timeline, changes, !section.summary.empty()));
  if (was_joined) {
    section.memberships.assign(timeline.items.size(), "join");
  } else {
    GIMS_TRY_ASSIGN(section.memberships, memberships(news, timeline));
  }
  section.timeline = std::move(timeline.items);
  section.limited = timeline.limited;
  section.prev_batch = timeline.prev_batch;
  std::optional<EventsAtHand> at_hand;
  if (!timeline.limited && !timeline.skipped) {
    at_hand.emplace(EventsAtHand{.above = range.above, .events = section.timeline});
  }

  const RoomEventFilter& ephemeral = request_.filter->ephemeral;
  if (ephemeral.passes_room(news.room_id)) {
    if (news.typing_changed && (was_joined || !news.typing.empty()) &&
        ephemeral.passes_type("m.typing")) {
      json::Writer typing;
      typing.begin_object().member("type", "m.typing").key("content").begin_object();
      typing.key("user_ids").begin_array();
      for (const std::string& user_id : news.typing) {
        if (!user_data_.ignores(user_id)) typing.value(user_id);
      }
      typing.end_array().end_object().end_object();
      section.ephemeral.push_back(typing.take());
    }
    if (ephemeral.passes_type("m.receipt")) {
      GIMS_TRY_ASSIGN(const auto found, receipts(news, was_joined ? since_ : 0));
      if (std::string event = receipt_event(found); !event.empty()) {
        section.ephemeral.push_back(std::move(event));
      }
    }
  }
  section.account_data = std::move(account_data);
  if (!whole && section.timeline.empty() && !section.limited && section.state.empty() &&
      section.ephemeral.empty() && section.account_data.empty() && section.summary.empty()) {
    return std::nullopt;
  }
  GIMS_TRY_ASSIGN(section.unread,
                  count_unread(feed_, reads_, push_user_, news, to_.stream, at_hand));
  return section;
}

Result<std::optional<RoomSection>> RoomSections::left(const RoomNews& news,
                                                      std::vector<std::string> account_data) {
  const bool first_sync = !request_.since.has_value();
  if (first_sync && !request_.filter->include_leave) return std::nullopt;
  if (!first_sync && !request_.full_state && news.membership_position <= since_) {
    return std::nullopt;
  }
  if (news.membership_position <= since_ && !request_.filter->include_leave) return std::nullopt;
  bool was_joined = false;
  if (!first_sync) {
    GIMS_TRY_ASSIGN(const std::string before,
                    reads_.membership_at(news.nid, *news.version, request_.user_id, since_));
    was_joined = before == "join";
    if (was_joined) encounters_.old_rooms.push_back(news.nid);
  }
  if (!request_.filter->passes_room(news.room_id)) return std::nullopt;

  GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
  // The feed does not hear of a room that is forgotten.
  GIMS_TRY_ASSIGN(const auto rooms_now,
                  sql::first(*connection, statements::SyncForgotten{.user_id = request_.user_id,
                                                                    .room_nid = news.nid}));
  if (rooms_now && rooms_now->forgotten != 0) return std::nullopt;
  GIMS_TRY_ASSIGN(const auto visibility,
                  rooms::Visibility::load(*connection, news.nid, request_.user_id));
  const Range range{.above = since_,
                    .up_to = news.membership_position,
                    .whole_state = !was_joined || request_.full_state,
                    .visibility = &visibility};
  RoomNews until_left = news;
  // What came after leaving is not theirs.
  std::erase_if(until_left.events,
                [&](const ItemPtr& item) { return item->position() > range.up_to; });
  GIMS_TRY_ASSIGN(Timeline timeline, this->timeline(until_left, range));
  RoomSection section;
  section.room_id = news.room_id;
  const auto state_position = visibility.state_position();
  if (state_position) {
    Range state_range = range;
    state_range.up_to = std::min(range.up_to, *state_position);
    std::vector<ItemPtr> changes;
    if (!range.whole_state) {
      GIMS_TRY_ASSIGN(changes,
                      reads_.state_since(news.nid, *news.version, since_, state_range.up_to));
    }
    GIMS_TRY_ASSIGN(section.state, state(until_left, state_range, timeline, changes, false));
  }
  GIMS_TRY_ASSIGN(section.memberships, memberships(news, timeline));
  section.timeline = std::move(timeline.items);
  section.limited = timeline.limited;
  section.prev_batch = timeline.prev_batch;
  section.account_data = std::move(account_data);
  return section;
}

// Spec: client-server API, "Stripped state": what helps a person to decide on an invitation.
Result<std::optional<RoomSection>> RoomSections::stripped(const RoomNews& news) {
  if (news.membership_position <= since_ && !request_.full_state) return std::nullopt;
  if (!request_.filter->passes_room(news.room_id)) return std::nullopt;
  const store::StreamId position = news.membership_position;
  GIMS_TRY_ASSIGN(const ItemPtr own, reads_.state_at(news.nid, *news.version, "m.room.member",
                                                     request_.user_id, position));
  if (!own) return std::nullopt;
  const std::string_view sender = own->event()->sender();
  if (news.membership == Membership::invite && user_data_.ignores(sender)) return std::nullopt;
  RoomSection section;
  section.room_id = news.room_id;
  constexpr std::array<std::string_view, 7> types = {
      "m.room.create", "m.room.join_rules",      "m.room.name",      "m.room.avatar",
      "m.room.topic",  "m.room.canonical_alias", "m.room.encryption"};
  for (const std::string_view type : types) {
    GIMS_TRY_ASSIGN(const ItemPtr item,
                    reads_.state_at(news.nid, *news.version, type, "", position));
    if (item) section.stripped.push_back(matrix::stripped_state(*item->event()));
  }
  if (sender != request_.user_id) {
    GIMS_TRY_ASSIGN(const ItemPtr inviter,
                    reads_.state_at(news.nid, *news.version, "m.room.member", sender, position));
    if (inviter) section.stripped.push_back(matrix::stripped_state(*inviter->event()));
  }
  section.stripped.push_back(matrix::stripped_state(*own->event()));
  return section;
}

bool RoomSections::passes(const Item& item) const {
  const RoomEventFilter& filter = request_.filter->timeline;
  const matrix::Event& event = *item.event();
  // Ignored users still change the room's state (spec: "Ignoring Users").
  if (!event.is_state() && user_data_.ignores(event.sender())) return false;
  return filter.passes_event(event.type(), event.sender(),
                             filter.contains_url.has_value() && item.has_url());
}

Result<RoomSections::Timeline> RoomSections::timeline(const RoomNews& news, const Range& range) {
  Timeline timeline;
  timeline.prev_batch = range.up_to;
  const RoomEventFilter& filter = request_.filter->timeline;
  const std::size_t limit = request_.filter->timeline_limit();
  if (news.last_event <= range.above) return timeline;
  if (!filter.passes_room(news.room_id) || !filter.passes_any()) {
    timeline.skipped = true;
    timeline.limited = filter.passes_room(news.room_id) && limit == 0;
    return timeline;
  }
  std::vector<ItemPtr> page;  // newest first
  store::StreamId below = range.up_to;
  bool more = true;
  std::size_t scanned = 0;
  // Memory has all of the range or none of it.
  if (news.events_complete) {
    page.assign(news.events.rbegin(), news.events.rend());
    more = false;
  }
  for (std::size_t next = 0;; ++next) {
    if (next == page.size()) {
      if (!more) break;
      const std::size_t size = limit + 1;
      GIMS_TRY_ASSIGN(page, reads_.events(news.nid, *news.version, range.above, below, size));
      more = page.size() == size;
      next = 0;
      if (page.empty()) break;
      below = page.back()->position() - 1;
    }
    const Item& item = *page[next];
    // Who refuses an invitation is told so, though the room's history is closed to them.
    const bool visible = range.visibility == nullptr || is_member_of(item, request_.user_id) ||
                         range.visibility->sees({.position = item.position(),
                                                 .type = item.event()->type(),
                                                 .state_key = item.event()->state_key()});
    if (!visible || !passes(item)) {
      timeline.skipped = true;
      if (++scanned == most_scanned) {
        timeline.limited = true;
        timeline.prev_batch = item.position() - 1;
        break;
      }
      continue;
    }
    if (timeline.items.size() == limit) {
      timeline.limited = true;
      timeline.skipped = true;
      break;
    }
    timeline.items.push_back(page[next]);
  }
  std::ranges::reverse(timeline.items);
  if (!timeline.items.empty()) timeline.prev_batch = timeline.items.front()->position() - 1;
  return timeline;
}

Result<std::vector<ItemPtr>> RoomSections::state(const RoomNews& news, const Range& range,
                                                 const Timeline& timeline,
                                                 const std::vector<ItemPtr>& changes,
                                                 bool with_heroes) {
  const RoomEventFilter& filter = request_.filter->state;
  std::vector<ItemPtr> state;
  if (!filter.passes_room(news.room_id) || !filter.passes_any()) return state;
  // The newest of each key.
  std::map<StateKey, ItemPtr> newest;
  if (range.whole_state) {
    std::vector<ItemPtr> all;
    if (lazy()) {
      GIMS_TRY_ASSIGN(all, reads_.state_but_members(news.nid, *news.version, range.up_to));
    } else {
      GIMS_TRY_ASSIGN(all, reads_.state_since(news.nid, *news.version, 0, range.up_to));
    }
    for (ItemPtr& item : all) newest.insert_or_assign(key_of(*item), item);
  } else if (request_.use_state_after || timeline.skipped) {
    for (const ItemPtr& item : changes) newest.insert_or_assign(key_of(*item), item);
  }
  const store::StreamId oldest = range.whole_state ? 0 : since_;
  for (auto& [key, item] : newest) {
    if (!filter.passes_event(item->event()->type(), item->event()->sender(),
                             filter.contains_url.has_value() && item->has_url())) {
      continue;
    }
    ItemPtr chosen = item;
    // The state at the timeline's start does not have what the timeline brings.
    while (!request_.use_state_after && chosen && timeline.has(chosen->position())) {
      GIMS_TRY_ASSIGN(chosen, reads_.state_at(news.nid, *news.version, key.first, key.second,
                                              chosen->position() - 1));
      if (chosen && chosen->position() <= oldest) chosen.reset();
    }
    if (chosen) state.push_back(std::move(chosen));
  }
  if (lazy()) GIMS_TRY(add_members(news, range, timeline, with_heroes, state));
  std::ranges::sort(state, {}, [](const ItemPtr& item) { return item->position(); });
  if (filter.limit && state.size() > static_cast<std::size_t>(*filter.limit)) {
    state.erase(state.begin(), state.end() - static_cast<std::ptrdiff_t>(*filter.limit));
  }
  return state;
}

Result<ItemPtr> RoomSections::member_at(const RoomNews& news, const std::string& user_id,
                                        store::StreamId position) {
  ItemPtr member = feed_.member(news.nid, user_id, to_.stream);
  if (!member) {
    GIMS_TRY_ASSIGN(member,
                    reads_.state_at(news.nid, *news.version, "m.room.member", user_id, to_.stream));
    if (!member) return member;
    feed_.remember_member(news.nid, to_.stream, member);
  }
  if (member->position() <= position) return member;
  return reads_.state_at(news.nid, *news.version, "m.room.member", user_id, position);
}

// Spec: client-server API, "Lazy-loading room members".
Result<> RoomSections::add_members(const RoomNews& news, const Range& range,
                                   const Timeline& timeline, bool with_heroes,
                                   std::vector<ItemPtr>& state) {
  std::vector<std::string> wanted;
  const auto want = [&wanted](std::string_view user_id) {
    if (std::ranges::find(wanted, user_id) == wanted.end()) wanted.emplace_back(user_id);
  };
  std::set<std::string_view> there;  // told already, where the reader needs it
  for (const ItemPtr& item : state) {
    if (item->is_member_event()) there.insert(*item->event()->state_key());
  }
  for (const ItemPtr& item : timeline.items) {
    if (!there.contains(item->event()->sender())) want(item->event()->sender());
    if (item->is_member_event() && !request_.use_state_after) {
      there.insert(*item->event()->state_key());
    }
  }
  if (range.whole_state && !there.contains(request_.user_id)) want(request_.user_id);
  if (with_heroes) {
    GIMS_TRY_ASSIGN(const auto summary, room_summary(feed_, reads_, news.nid, to_.stream));
    for (const std::string& hero : heroes(*summary)) {
      if (!there.contains(hero)) want(hero);
    }
  }
  if (!request_.filter->state.include_redundant_members && !range.whole_state) {
    wanted = feed_.members_to_send(request_.user_id, request_.device_id, request_.device_token(),
                                   news.nid, std::move(wanted));
  }
  const store::StreamId position = request_.use_state_after || timeline.items.empty()
                                       ? range.up_to
                                       : timeline.items.front()->position() - 1;
  for (const std::string& user_id : wanted) {
    GIMS_TRY_ASSIGN(const ItemPtr member, member_at(news, user_id, position));
    members_sent_.emplace_back(news.nid, user_id);
    if (member && std::ranges::find(state, member->position(), [](const ItemPtr& item) {
                    return item->position();
                  }) == state.end()) {
      state.push_back(member);
    }
  }
  return {};
}

Result<std::vector<std::string>> RoomSections::memberships(const RoomNews& news,
                                                           const Timeline& timeline) {
  std::vector<std::string> memberships(timeline.items.size(), "leave");
  if (memberships.empty()) return memberships;
  GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
  struct Step {
    store::StreamId position;
    std::string membership;
  };
  std::vector<Step> steps;  // newest first
  Result<> parsed;
  GIMS_TRY(sql::for_each(
      *connection,
      statements::SyncMemberSteps{
          .room_nid = news.nid, .user_id = request_.user_id, .up_to = to_.stream, .most = 100},
      [&](const auto& row) {
        auto event = matrix::Event::from_store(*news.version, row.event_id, std::string(row.pdu));
        if (!event) {
          parsed = pass(std::move(event));
          return;
        }
        steps.push_back({row.stream_id, std::string((*event)->membership())});
      }));
  GIMS_TRY(std::move(parsed));
  for (std::size_t i = 0; i < memberships.size(); ++i) {
    const auto step = std::ranges::find_if(steps, [&](const Step& candidate) {
      return candidate.position <= timeline.items[i]->position();
    });
    if (step != steps.end()) memberships[i] = step->membership;
  }
  return memberships;
}

Result<std::vector<Receipt>> RoomSections::receipts(const RoomNews& news, store::StreamId above) {
  std::vector<Receipt> found;
  if (news.last_receipt <= above) return found;
  if (above == since_ && news.receipts_complete) {
    // The table keeps the last of each user, type and thread; so do we.
    std::map<std::tuple<std::string_view, std::string_view, std::string_view>, const Receipt*> last;
    for (const Receipt& receipt : news.receipts) {
      last[{receipt.user_id, receipt.type, receipt.thread_id}] = &receipt;
    }
    for (const Receipt& receipt : news.receipts) {
      if (last[{receipt.user_id, receipt.type, receipt.thread_id}] == &receipt) {
        found.push_back(receipt);
      }
    }
  } else {
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    GIMS_TRY(sql::for_each(
        *connection,
        statements::SyncReceipts{.room_nid = news.nid, .above = above, .up_to = to_.stream},
        [&](const auto& row) {
          found.push_back(Receipt{.position = row.stream_id,
                                  .user_id = std::string(row.user_id),
                                  .type = std::string(row.type),
                                  .event_id = std::string(row.event_id),
                                  .thread_id = std::string(row.thread_id),
                                  .ts = row.ts});
        }));
  }
  std::erase_if(found, [&](const Receipt& receipt) {
    return receipt.type == "m.read.private" && receipt.user_id != request_.user_id;
  });
  return found;
}

std::string RoomSections::receipt_event(const std::vector<Receipt>& receipts) const {
  if (receipts.empty()) return {};
  // event, type, user: the shape of m.receipt's content.
  std::map<std::string_view, std::map<std::string_view, std::map<std::string_view, const Receipt*>>>
      tree;
  for (const Receipt& receipt : receipts) {
    // One receipt of a user, type and event has room; the newest is it.
    tree[receipt.event_id][receipt.type][receipt.user_id] = &receipt;
  }
  json::Writer out;
  out.begin_object().member("type", "m.receipt").key("content").begin_object();
  for (const auto& [event_id, types] : tree) {
    out.key(event_id).begin_object();
    for (const auto& [type, users] : types) {
      out.key(type).begin_object();
      for (const auto& [user_id, receipt] : users) {
        out.key(user_id).begin_object().member("ts", receipt->ts);
        if (!receipt->thread_id.empty()) out.member("thread_id", receipt->thread_id);
        out.end_object();
      }
      out.end_object();
    }
    out.end_object();
  }
  out.end_object().end_object();
  return out.take();
}

std::vector<std::string> RoomSections::heroes(const Summary& summary) const {
  std::vector<std::string> chosen;
  constexpr std::size_t most = 5;
  const auto choose = [&](const std::vector<std::string>& from) {
    for (const std::string& user_id : from) {
      if (user_id != request_.user_id && chosen.size() < most) chosen.push_back(user_id);
    }
  };
  choose(summary.heroes);
  if (chosen.empty()) choose(summary.former_heroes);
  return chosen;
}

Result<std::string> RoomSections::summary(const RoomNews& news) {
  GIMS_TRY_ASSIGN(const auto summary, room_summary(feed_, reads_, news.nid, to_.stream));
  json::Writer out;
  out.begin_object().key("m.heroes").begin_array();
  for (const std::string& hero : heroes(*summary)) out.value(hero);
  out.end_array();
  out.member("m.joined_member_count", summary->joined);
  out.member("m.invited_member_count", summary->invited);
  out.end_object();
  return out.take();
}

}  // namespace gims::service::sync
