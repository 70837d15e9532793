// What the feed tells: users into memory, the news of one user, what is remembered between replies.
#include <algorithm>
#include <utility>

#include "service/sync/feed.hpp"
#include "service/sync/reads.hpp"
#include "store/statements/sync.hpp"

namespace gims::service::sync {
namespace {

namespace statements = store::statements;

struct LoadedUser {
  std::vector<statements::SyncRoomsOfUser::Row> rooms;
  store::StreamId account_data = 0;
  std::vector<statements::SyncToDevicePositions::Row> to_device;
};

Result<LoadedUser> load(store::Store& store, const std::string& user_id,
                        std::atomic<std::uint64_t>& counter) {
  Reads reads(store, &counter);
  GIMS_TRY_ASSIGN(auto* connection, reads.sql());
  LoadedUser loaded;
  GIMS_TRY_ASSIGN(loaded.rooms,
                  sql::all(*connection, statements::SyncRoomsOfUser{.user_id = user_id}));
  GIMS_TRY_ASSIGN(auto position,
                  sql::first(*connection, statements::SyncAccountDataPosition{.user_id = user_id}));
  if (position) loaded.account_data = position->position.value_or(0);
  GIMS_TRY_ASSIGN(loaded.to_device,
                  sql::all(*connection, statements::SyncToDevicePositions{.user_id = user_id}));
  return loaded;
}

DeviceEntry* find_device(UserEntry& user, std::string_view device_id) {
  const auto found = std::ranges::find(user.devices, device_id, &DeviceEntry::device_id);
  return found == user.devices.end() ? nullptr : &*found;
}

DeviceEntry& device_of(UserEntry& user, std::string_view device_id) {
  if (DeviceEntry* known = find_device(user, device_id)) return *known;
  DeviceEntry fresh;
  fresh.device_id = device_id;
  user.devices.push_back(std::move(fresh));
  return user.devices.back();
}

std::uint64_t member_hash(store::RoomNid room, std::string_view user_id) {
  return std::hash<std::string_view>()(user_id) ^
         (static_cast<std::uint64_t>(room) * 0x9e3779b97f4a7c15U);
}

}  // namespace

Result<> Feed::ensure_user(store::Store& store, const std::string& user_id) {
  {
    const std::scoped_lock lock(mutex_);
    std::unique_ptr<UserEntry>* entry = nullptr;
    if (const auto found = users_.find(user_id); found != users_.end()) {
      if (found->second->loaded) {
        found->second->last_use = ++use_counter_;
        return {};
      }
    } else {
      if (users_.size() >= limits_.users) evict_users();
      // There before the table is read, so that no change falls between the two.
      entry = &users_[user_id];
      *entry = std::make_unique<UserEntry>();
      (*entry)->user_id = user_id;
      (*entry)->last_use = ++use_counter_;
    }
  }
  GIMS_TRY_ASSIGN(const LoadedUser loaded, load(store, user_id, statements_));
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  if (user == nullptr) {
    return fail(ErrorKind::unavailable, "M_UNKNOWN", "The server is busy. Try again.",
                "the user's entry was dropped while it was loaded");
  }
  for (const auto& row : loaded.rooms) {
    const bool known = rooms_.contains(row.room_nid);
    RoomEntry& room = room_entry(row.room_nid, row.room_id, matrix::find_room_version(row.version));
    if (!known) {
      // Nothing was committed in the room since the floor, or the room would be known: the table
      // says exactly how far it goes.
      room.last_event = row.last_event.value_or(0);
      room.last_receipt = row.last_receipt.value_or(0);
      room.events_floor = std::max(room.events_floor, room.last_event);
      room.receipts_floor = std::max(room.receipts_floor, room.last_receipt);
      room.last_member_event = room.last_event;
      room.last_levels = room.last_event;
    }
    set_membership(*user, room, parse_membership(row.membership), row.stream_id,
                   row.forgotten != 0);
  }
  user->last_account_data = std::max(user->last_account_data, loaded.account_data);
  for (const auto& row : loaded.to_device) {
    DeviceEntry& device = device_of(*user, row.device_id);
    device.first_to_device = row.first_position;
    device.last_to_device = std::max(device.last_to_device, row.last_position);
  }
  user->loaded = true;
  return {};
}

RoomNews Feed::room_news(const UserRoom& held, std::optional<StreamToken> since) const {
  const RoomEntry& room = *held.room;
  RoomNews news;
  news.nid = room.nid;
  news.room_id = room.room_id;
  news.version = room.version;
  news.membership = held.membership;
  news.membership_position = held.position;
  news.forgotten = held.forgotten;
  news.last_event = room.last_event;
  news.last_receipt = room.last_receipt;
  const store::StreamId from = since ? since->stream : 0;
  news.events_complete = from >= room.events_floor;
  if (news.events_complete && room.last_event > from) {
    const auto first = std::ranges::upper_bound(
        room.events, from, {}, [](const ItemPtr& item) { return item->position(); });
    news.events.assign(first, room.events.end());
  }
  news.receipts_complete = from >= room.receipts_floor;
  if (news.receipts_complete && room.last_receipt > from) {
    const auto first = std::ranges::upper_bound(room.receipts, from, {}, &Receipt::position);
    news.receipts.assign(first, room.receipts.end());
  }
  // Serials begin anew with the process: a larger one is of the process before.
  const std::int64_t typing = since && since->typing <= typing_serial_ ? since->typing : 0;
  news.typing_changed = room.typing_serial > typing;
  if (news.typing_changed) {
    for (const auto& [user_id, until] : room.typing) news.typing.push_back(user_id);
  }
  return news;
}

std::optional<News> Feed::collect(const std::string& user_id, std::string_view device_id,
                                  std::optional<StreamToken> since, bool all_rooms) {
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  if (user == nullptr || !user->loaded) return std::nullopt;
  user->last_use = ++use_counter_;
  News news;
  news.token.stream = position_;
  news.token.typing = typing_serial_;
  const store::StreamId from = since ? since->stream : 0;
  const std::int64_t typing_from = since && since->typing <= typing_serial_ ? since->typing : 0;
  news.account_data = user->last_account_data > from;
  if (const DeviceEntry* device = find_device(*user, device_id)) {
    news.first_to_device = device->first_to_device;
    news.last_to_device = device->last_to_device;
    news.key_counts = device->key_counts;
  }
  for (const UserRoom& held : user->rooms) {
    const RoomEntry& room = *held.room;
    const bool joined = held.membership == Membership::join;
    if (all_rooms || held.position > from ||
        (joined && (room.last_event > from || room.last_receipt > from ||
                    room.typing_serial > typing_from))) {
      news.rooms.push_back(room_news(held, since));
    }
  }
  news.device_changes_complete = from >= device_changes_floor_;
  if (news.device_changes_complete) {
    for (auto change = device_changes_.rbegin();
         change != device_changes_.rend() && change->first > from; ++change) {
      news.device_changes.push_back(change->second);
    }
    std::ranges::sort(news.device_changes);
    const auto twice = std::ranges::unique(news.device_changes);
    news.device_changes.erase(twice.begin(), twice.end());
  }
  return news;
}

std::optional<std::vector<store::RoomNid>> Feed::joined_rooms(const std::string& user_id) {
  const std::scoped_lock lock(mutex_);
  const UserEntry* user = find_user(user_id);
  if (user == nullptr || !user->loaded) return std::nullopt;
  std::vector<store::RoomNid> rooms;
  rooms.reserve(user->rooms.size());
  for (const UserRoom& held : user->rooms) {
    if (held.membership == Membership::join) rooms.push_back(held.room->nid);
  }
  return rooms;
}

std::optional<RoomNews> Feed::room_of_user(const std::string& user_id, std::string_view room_id) {
  const std::scoped_lock lock(mutex_);
  const UserEntry* user = find_user(user_id);
  if (user == nullptr) return std::nullopt;
  for (const UserRoom& held : user->rooms) {
    if (held.room->room_id != room_id) continue;
    RoomNews news;
    news.nid = held.room->nid;
    news.room_id = held.room->room_id;
    news.version = held.room->version;
    news.membership = held.membership;
    news.membership_position = held.position;
    news.forgotten = held.forgotten;
    // Nothing of it is in the range, but unread counts may not have come so far.
    news.last_event = held.room->last_event;
    news.events_complete = true;
    news.receipts_complete = true;
    return news;
  }
  return std::nullopt;
}

std::optional<std::vector<ItemPtr>> Feed::events(store::RoomNid room, store::StreamId above,
                                                 store::StreamId up_to) const {
  const std::scoped_lock lock(mutex_);
  const RoomEntry* entry = find_room(room);
  if (entry == nullptr || above < entry->events_floor) return std::nullopt;
  const auto position = [](const ItemPtr& item) { return item->position(); };
  const auto first = std::ranges::upper_bound(entry->events, above, {}, position);
  const auto last = std::ranges::upper_bound(first, entry->events.end(), up_to, {}, position);
  return std::vector<ItemPtr>(first, last);
}

std::shared_ptr<const Summary> Feed::summary(store::RoomNid room) {
  const std::scoped_lock lock(mutex_);
  const RoomEntry* entry = find_room(room);
  return entry == nullptr ? nullptr : entry->summary;
}

void Feed::remember_summary(store::RoomNid room, store::StreamId as_of,
                            std::shared_ptr<const Summary> summary) {
  const std::scoped_lock lock(mutex_);
  RoomEntry* entry = find_room(room);
  if (entry == nullptr || entry->last_member_event > as_of) return;
  entry->summary = std::move(summary);
}

ItemPtr Feed::member(store::RoomNid room, std::string_view user_id, store::StreamId as_of) {
  const std::scoped_lock lock(mutex_);
  const RoomEntry* entry = find_room(room);
  if (entry == nullptr) return nullptr;
  for (const ItemPtr& member : entry->members) {
    if (member->event()->state_key() == user_id) {
      return member->position() <= as_of ? member : nullptr;
    }
  }
  return nullptr;
}

void Feed::remember_member(store::RoomNid room, store::StreamId as_of, const ItemPtr& member) {
  const std::scoped_lock lock(mutex_);
  RoomEntry* entry = find_room(room);
  if (entry == nullptr || entry->last_member_event > as_of) return;
  std::erase_if(entry->members, [&](const ItemPtr& held) {
    return held->event()->state_key() == member->event()->state_key();
  });
  entry->members.push_back(member);
  if (entry->members.size() > limits_.room_members) entry->members.pop_front();
}

std::shared_ptr<const PushLevels> Feed::push_levels(store::RoomNid room) {
  const std::scoped_lock lock(mutex_);
  const RoomEntry* entry = find_room(room);
  return entry == nullptr ? nullptr : entry->levels;
}

void Feed::remember_push_levels(store::RoomNid room, store::StreamId as_of,
                                std::shared_ptr<const PushLevels> levels) {
  const std::scoped_lock lock(mutex_);
  RoomEntry* entry = find_room(room);
  if (entry == nullptr || entry->last_levels > as_of) return;
  entry->levels = std::move(levels);
}

std::shared_ptr<const UserData> Feed::user_data(const std::string& user_id) {
  const std::scoped_lock lock(mutex_);
  const UserEntry* user = find_user(user_id);
  return user == nullptr ? nullptr : user->data;
}

void Feed::remember_user_data(const std::string& user_id, store::StreamId as_of,
                              std::shared_ptr<const UserData> data) {
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  if (user == nullptr || user->last_data > as_of) return;
  user->data = std::move(data);
}

std::optional<Unread> Feed::unread(const std::string& user_id, store::RoomNid room) {
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  const UserRoom* held = user == nullptr ? nullptr : find_room_of(*user, room);
  if (held == nullptr || !held->unread) return std::nullopt;
  return *held->unread;
}

void Feed::remember_unread(const std::string& user_id, store::RoomNid room, const Unread& unread) {
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  UserRoom* held = user == nullptr ? nullptr : find_room_of(*user, room);
  // A receipt, a rule or a redaction that came meanwhile is not in it.
  if (held == nullptr || held->own_receipt > unread.counted || user->last_data > unread.counted ||
      held->room->last_redaction > unread.counted) {
    return;
  }
  if (held->unread && held->unread->counted >= unread.counted) return;
  held->unread = std::make_unique<Unread>(unread);
}

std::uint64_t Feed::key_generation() const {
  const std::scoped_lock lock(mutex_);
  return key_generation_;
}

std::shared_ptr<const std::string> Feed::key_counts(const std::string& user_id,
                                                    std::string_view device_id) {
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  const DeviceEntry* device = user == nullptr ? nullptr : find_device(*user, device_id);
  return device == nullptr ? nullptr : device->key_counts;
}

void Feed::remember_key_counts(const std::string& user_id, std::string_view device_id,
                               std::uint64_t generation,
                               std::shared_ptr<const std::string> counts) {
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  if (user == nullptr || generation != key_generation_) return;
  device_of(*user, device_id).key_counts = std::move(counts);
}

store::StreamId Feed::first_to_device(const std::string& user_id, std::string_view device_id) {
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  const DeviceEntry* device = user == nullptr ? nullptr : find_device(*user, device_id);
  return device == nullptr ? 0 : device->first_to_device;
}

void Feed::to_device_dropped(const std::string& user_id, std::string_view device_id,
                             store::StreamId up_to) {
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  DeviceEntry* device = user == nullptr ? nullptr : find_device(*user, device_id);
  if (device == nullptr) return;
  // Which of the later ones is the first is not known: the next position is no later than it.
  device->first_to_device = device->last_to_device > up_to ? up_to + 1 : 0;
}

std::vector<std::string> Feed::members_to_send(const std::string& user_id,
                                               std::string_view device_id,
                                               std::optional<StreamToken> since,
                                               store::RoomNid room,
                                               std::vector<std::string> members) {
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  const DeviceEntry* device = user == nullptr ? nullptr : find_device(*user, device_id);
  if (device == nullptr || !since || !(device->members_token == *since)) return members;
  std::erase_if(members, [&](const std::string& member) {
    return std::ranges::find(device->sent_members, member_hash(room, member)) !=
           device->sent_members.end();
  });
  return members;
}

void Feed::members_sent(const std::string& user_id, std::string_view device_id,
                        std::optional<StreamToken> since, StreamToken next,
                        const std::vector<std::pair<store::RoomNid, std::string>>& members) {
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  if (user == nullptr) return;
  DeviceEntry& device = device_of(*user, device_id);
  if (!since || !(device.members_token == *since)) device.sent_members.clear();
  device.members_token = next;
  for (const auto& [room, member] : members) {
    const std::uint64_t hash = member_hash(room, member);
    if (std::ranges::find(device.sent_members, hash) != device.sent_members.end()) continue;
    if (device.sent_members.size() >= limits_.sent_members) {
      device.sent_members.erase(device.sent_members.begin());
    }
    device.sent_members.push_back(hash);
  }
}

}  // namespace gims::service::sync
