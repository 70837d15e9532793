// Which state of a room a reply tells, and its summary.
#include <algorithm>
#include <map>
#include <utility>

#include "json/writer.hpp"
#include "service/sync/room_section.hpp"

namespace gims::service::sync {
namespace {

using StateKey = std::pair<std::string_view, std::string_view>;
StateKey key_of(const Item& item) { return {item.event()->type(), *item.event()->state_key()}; }

}  // namespace

Result<std::vector<ItemPtr>> RoomSections::state(const RoomNews& news, const Range& range,
                                                 const Timeline& timeline,
                                                 const std::vector<ItemPtr>& changes,
                                                 bool with_heroes) {
  const RoomEventFilter& filter = request_.filter->state;
  std::vector<ItemPtr> state;
  if (!filter.passes_room(news.room_id) || !filter.passes_any_kind()) return state;
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
  // The filter's `limit` is not for it: the spec has the state complete, and a client that is not
  // told of a room's creation or its power levels cannot show it.
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
