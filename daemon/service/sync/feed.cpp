#include "service/sync/feed.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace gims::service::sync {
namespace {

// The user's devices are few: a list is smaller and no slower than a map.
DeviceEntry& device_entry(UserEntry& user, std::string_view device_id) {
  const auto found = std::ranges::find(user.devices, device_id, &DeviceEntry::device_id);
  if (found != user.devices.end()) return *found;
  user.devices.push_back(DeviceEntry{});
  user.devices.back().device_id = device_id;
  return user.devices.back();
}

}  // namespace

Membership parse_membership(std::string_view text) noexcept {
  if (text == "join") return Membership::join;
  if (text == "invite") return Membership::invite;
  if (text == "knock") return Membership::knock;
  if (text == "ban") return Membership::ban;
  return Membership::leave;
}

Feed::Feed(FeedLimits limits) : limits_(limits) {}
Feed::~Feed() = default;

void Feed::start(store::StreamId position) {
  const std::scoped_lock lock(mutex_);
  position_ = position;
  room_floor_ = position;
  device_changes_floor_ = position;
}

store::StreamId Feed::position() const {
  const std::scoped_lock lock(mutex_);
  return position_;
}

void Feed::committed(store::StreamId position, std::span<const store::Change> changes) noexcept {
  bool wakes = false;
  {
    const std::scoped_lock lock(mutex_);
    const std::size_t before = ready_.size() + device_jobs_.size();
    for (const store::Change& change : changes) {
      std::visit([&](const auto& what) { apply(what); }, change);
    }
    position_ = std::max(position_, position);
    wakes = ready_.size() + device_jobs_.size() != before;
    if (rooms_.size() > limits_.rooms) evict_rooms();
  }
  if (wakes) ready_condition_.notify_all();
}

RoomEntry& Feed::room_entry(store::RoomNid nid, std::string_view room_id,
                            const matrix::RoomVersion* version) {
  std::unique_ptr<RoomEntry>& entry = rooms_[nid];
  if (!entry) {
    entry = std::make_unique<RoomEntry>();
    entry->nid = nid;
    entry->last_event = room_floor_;
    entry->last_receipt = room_floor_;
    entry->events_floor = room_floor_;
    entry->receipts_floor = room_floor_;
    entry->last_member_event = room_floor_;
    entry->last_levels = room_floor_;
    entry->last_redaction = room_floor_;
  }
  if (entry->room_id.empty()) entry->room_id = room_id;
  if (entry->version == nullptr) entry->version = version;
  return *entry;
}

UserEntry* Feed::find_user(std::string_view user_id) {
  const auto found = users_.find(user_id);
  return found == users_.end() ? nullptr : found->second.get();
}

RoomEntry* Feed::find_room(store::RoomNid room) const {
  const auto found = rooms_.find(room);
  return found == rooms_.end() ? nullptr : found->second.get();
}

UserRoom* Feed::find_room_of(UserEntry& user, store::RoomNid room) {
  const auto found = std::ranges::lower_bound(user.rooms, room, {},
                                              [](const UserRoom& held) { return held.room->nid; });
  return found == user.rooms.end() || found->room->nid != room ? nullptr : &*found;
}

void Feed::apply(const store::EventAdded& change) {
  RoomEntry& room = room_entry(change.room, change.event->room_id(), &change.event->version());
  auto item = std::make_shared<const Item>(change);
  if (item->is_member_event()) {
    room.last_member_event = change.position;
    room.summary.reset();
    std::erase_if(room.members, [&](const ItemPtr& member) {
      return member->event()->state_key() == change.event->state_key();
    });
  }
  if (change.event->is_state("m.room.power_levels", "")) {
    room.last_levels = change.position;
    room.levels.reset();
  }
  add_event(room, std::move(item));
  wake_room(room);
}

void Feed::add_event(RoomEntry& room, ItemPtr item) {
  room.last_event = item->position();
  event_order_.emplace_back(room.nid, item->position());
  room.events.push_back(std::move(item));
  ++events_held_;
  trim(room, limits_.room_events);
  while (events_held_ > limits_.events || event_order_.size() > 2 * limits_.events) {
    const auto [nid, position] = event_order_.front();
    event_order_.pop_front();
    RoomEntry* oldest = find_room(nid);
    // What its own room let go of already stands in the order still.
    if (oldest != nullptr && !oldest->events.empty() &&
        oldest->events.front()->position() == position) {
      trim(*oldest, oldest->events.size() - 1);
    }
  }
}

void Feed::trim(RoomEntry& room, std::size_t keep) {
  while (room.events.size() > keep) {
    room.events_floor = room.events.front()->position();
    room.events.pop_front();
    --events_held_;
  }
}

void Feed::apply(const store::MembershipChanged& change) {
  RoomEntry& room = room_entry(change.room, {}, nullptr);
  if (!room.events.empty() && room.events.back()->position() == change.position) {
    room.events.back()->set_previous_membership(change.previous_membership);
  }
  UserEntry* user = find_user(change.user_id);
  if (user == nullptr) return;
  set_membership(*user, room, parse_membership(change.membership), change.position, false);
  wake(*user);
}

void Feed::set_membership(UserEntry& user, RoomEntry& room, Membership membership,
                          store::StreamId position, bool forgotten) {
  auto place = std::ranges::lower_bound(user.rooms, room.nid, {},
                                        [](const UserRoom& held) { return held.room->nid; });
  if (place == user.rooms.end() || place->room != &room) {
    UserRoom fresh;
    fresh.room = &room;
    place = user.rooms.insert(place, std::move(fresh));
  } else if (place->position > position) {
    return;  // what the table said when the commit was on its way
  }
  const bool was_joined = place->membership == Membership::join;
  const bool is_joined = membership == Membership::join;
  place->membership = membership;
  place->position = position;
  place->forgotten = forgotten;
  if (is_joined && !was_joined) room.users.push_back(&user);
  if (was_joined && !is_joined) std::erase(room.users, &user);
}

void Feed::apply(const store::EventRedacted& change) {
  RoomEntry* held = find_room(change.room);
  if (held == nullptr) return;
  RoomEntry& room = *held;
  // The event's bytes are not what they were: what is held begins after it.
  for (std::size_t i = room.events.size(); i-- > 0;) {
    if (room.events[i]->event()->event_id() != change.event_id) continue;
    trim(room, room.events.size() - 1 - i);
    break;
  }
  std::erase_if(room.members, [&](const ItemPtr& member) {
    return member->event()->event_id() == change.event_id;
  });
  // Nor is what others quote of it.
  for (const ItemPtr& item : room.events) item->redacted(change.event_id, change.position);
  for (const ItemPtr& member : room.members) member->redacted(change.event_id, change.position);
  room.last_member_event = std::max(room.last_member_event, change.position);
  room.last_levels = std::max(room.last_levels, change.position);
  if (room.levels && room.levels->content && room.levels->content->event_id() == change.event_id) {
    room.levels.reset();
  }
  // It may have been counted, where anything was.
  room.last_redaction = change.position;
  for (UserEntry* user : room.users) {
    UserRoom* reader = find_room_of(*user, room.nid);
    if (reader != nullptr && reader->unread && reader->unread->any()) reader->unread.reset();
  }
}

void Feed::apply(const store::ReceiptChanged& change) {
  RoomEntry& room = room_entry(change.room, {}, nullptr);
  room.last_receipt = change.position;
  room.receipts.push_back(Receipt{.position = change.position,
                                  .user_id = change.user_id,
                                  .type = change.type,
                                  .event_id = change.event_id,
                                  .thread_id = change.thread_id,
                                  .ts = change.ts});
  if (room.receipts.size() > limits_.room_receipts) {
    room.receipts_floor = room.receipts.front().position;
    room.receipts.pop_front();
  }
  UserEntry* user = find_user(change.user_id);
  if (UserRoom* held = user == nullptr ? nullptr : find_room_of(*user, room.nid)) {
    held->unread.reset();
    held->own_receipt = change.position;
  }
  if (change.type != "m.read.private") {
    wake_room(room);
  } else if (user != nullptr) {
    wake(*user);
  }
}

void Feed::apply(const store::AccountDataChanged& change) {
  UserEntry* user = find_user(change.user_id);
  if (user == nullptr) return;
  user->last_account_data = change.position;
  if (change.room_id.empty() &&
      (change.type == "m.ignored_user_list" || change.type == "m.push_rules")) {
    user->data.reset();
    user->last_data = change.position;
    for (UserRoom& held : user->rooms) held.unread.reset();
  }
  wake(*user);
}

void Feed::apply(const store::ToDeviceAdded& change) {
  UserEntry* user = find_user(change.user_id);
  if (user == nullptr) return;
  DeviceEntry& device = device_entry(*user, change.device_id);
  if (device.first_to_device == 0) device.first_to_device = change.position;
  device.last_to_device = std::max(device.last_to_device, change.position);
  for (std::size_t i = user->waiters.size(); i-- > 0;) {
    if (user->waiters[i]->device_id != change.device_id) continue;
    auto waiter = std::move(user->waiters[i]);
    user->waiters.erase(user->waiters.begin() + static_cast<std::ptrdiff_t>(i));
    make_ready(std::move(waiter), Waiter::Reason::news);
  }
}

void Feed::apply(const store::DeviceListChanged& change) {
  device_changes_.emplace_back(change.position, change.user_id);
  if (device_changes_.size() > limits_.device_changes) {
    device_changes_floor_ = device_changes_.front().first;
    device_changes_.pop_front();
  }
  UserEntry* user = find_user(change.user_id);
  if (user != nullptr && user->loaded) {
    wake_contacts_locked(*user);
  } else if (waiting_ > 0 && device_jobs_.size() < limits_.device_changes) {
    // Who shares a room with them is in the store alone, which is not read on this thread. A job
    // that does not fit delays its news to the contacts' next sync.
    device_jobs_.push_back(change.user_id);
  }
}

void Feed::wake_contacts_locked(UserEntry& user) {
  wake(user);
  for (const UserRoom& held : user.rooms) {
    if (held.membership == Membership::join) wake_room(*held.room);
  }
}

void Feed::wake_contacts(const std::string& user_id) {
  {
    const std::scoped_lock lock(mutex_);
    if (UserEntry* user = find_user(user_id)) wake_contacts_locked(*user);
  }
  ready_condition_.notify_all();
}

void Feed::apply(const store::KeyCountsChanged& change) {
  ++key_generation_;
  if (UserEntry* user = find_user(change.user_id)) {
    device_entry(*user, change.device_id).key_counts.reset();
  }
}

void Feed::apply(const store::DeviceRemoved& change) {
  UserEntry* user = find_user(change.user_id);
  if (user == nullptr) return;
  std::erase_if(user->devices,
                [&](const DeviceEntry& device) { return device.device_id == change.device_id; });
  end_waits(*user, change.device_id);
}

void Feed::apply(const store::DeviceTokensEnded& change) {
  if (UserEntry* user = find_user(change.user_id)) end_waits(*user, change.device_id);
}

void Feed::end_waits(UserEntry& user, std::string_view device_id) {
  for (auto& waiter : std::exchange(user.waiters, {})) {
    if (waiter->device_id == device_id) {
      make_ready(std::move(waiter), Waiter::Reason::removed);
    } else {
      user.waiters.push_back(std::move(waiter));
    }
  }
}

// The gate decides on the next request of the account what its state means.
void Feed::apply(const store::UserStateChanged& change) {
  UserEntry* user = find_user(change.user_id);
  if (user == nullptr) return;
  for (auto& waiter : std::exchange(user->waiters, {})) {
    make_ready(std::move(waiter), Waiter::Reason::superseded);
  }
}

void Feed::evict_users() {
  // A tenth at a time, so that the walk over all is rare.
  std::vector<std::pair<std::uint64_t, UserEntry*>> idle;
  for (const auto& [id, user] : users_) {
    if (user->waiters.empty()) idle.emplace_back(user->last_use, user.get());
  }
  std::ranges::sort(idle);
  idle.resize(std::min(idle.size(), limits_.users / 10 + 1));
  for (const auto& [use, user] : idle) {
    for (const UserRoom& held : user->rooms) std::erase(held.room->users, user);
    users_.erase(users_.find(user->user_id));
  }
}

void Feed::evict_rooms() {
  // Rooms stay that a user in memory points to.
  std::set<const RoomEntry*> held;
  for (const auto& [id, user] : users_) {
    for (const UserRoom& room : user->rooms) held.insert(room.room);
  }
  for (auto at = rooms_.begin(); at != rooms_.end();) {
    RoomEntry& room = *at->second;
    if (held.contains(&room) || !room.typing.empty()) {
      ++at;
      continue;
    }
    room_floor_ = std::max({room_floor_, room.last_event, room.last_receipt});
    events_held_ -= room.events.size();
    at = rooms_.erase(at);
  }
}

Feed::Sizes Feed::sizes() const {
  const std::scoped_lock lock(mutex_);
  return {
      .rooms = rooms_.size(), .users = users_.size(), .events = events_held_, .waiters = waiting_};
}

}  // namespace gims::service::sync
