#include "service/sync/room_section.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "matrix/client_event.hpp"
#include "service/sync/item.hpp"
#include "store/statements/sync.hpp"

namespace gims::service::sync {

namespace statements = store::statements;

RoomSections::RoomSections(Feed& feed, Reads& reads, const SyncRequest& request,
                           const UserData& user_data, const PushUser& push_user, StreamToken to)
    : feed_(feed),
      reads_(reads),
      request_(request),
      user_data_(user_data),
      push_user_(push_user),
      to_(to),
      since_(request.since ? request.since->stream : 0) {}

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
    if (!item->is_member_event() || is_own_member(*item)) continue;
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
  const bool passes_filter = request_.filter->passes_room(news.room_id);
  if (!request_.since && !passes_filter) return std::nullopt;
  // Where the user's membership changed, not all of the range is theirs: they may have been away.
  std::optional<rooms::Visibility> visibility;
  bool was_joined = request_.since.has_value();
  if (!was_joined || news.membership_position > since_) {
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    GIMS_TRY_ASSIGN(visibility, rooms::Visibility::load(*connection, news.nid, request_.user_id));
    was_joined = was_joined && visibility->membership_at(since_) == "join";
  }
  std::vector<ItemPtr> changes;
  if (was_joined) {
    GIMS_TRY_ASSIGN(changes, state_changes(news));
    GIMS_TRY(meet(news, changes));
  } else if (request_.since) {
    encounters_.new_rooms.push_back(news.nid);
  }
  if (!passes_filter) return std::nullopt;

  RoomSection section;
  section.room_id = news.room_id;
  const bool whole = !was_joined || request_.full_state;
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
  section.visibility = std::move(visibility);
  GIMS_TRY(take_timeline(news, timeline, section));
  std::optional<EventsAtHand> at_hand;
  if (!timeline.limited && !timeline.skipped) {
    at_hand.emplace(EventsAtHand{.above = range.above, .events = section.timeline});
  }

  GIMS_TRY_ASSIGN(section.ephemeral, ephemeral(news, was_joined));
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
  GIMS_TRY_ASSIGN(auto visibility,
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
  section.visibility = std::move(visibility);
  GIMS_TRY(take_timeline(news, timeline, section));
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

}  // namespace gims::service::sync
