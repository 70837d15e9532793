// What the feed holds of rooms and users. Plain data under the feed's mutex.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "matrix/power_levels.hpp"
#include "matrix/push_rules.hpp"
#include "service/sync/item.hpp"
#include "service/sync/waiter.hpp"
#include "store/changes.hpp"

namespace gims::service::sync {

// Bounds of memory. When one is reached the oldest goes, and a reply that wants it reads the store;
// but for waits, whose clients are told to come later.
struct FeedLimits {
  std::size_t events = 16384;      // of all rooms together
  std::size_t room_events = 64;    // of one room
  std::size_t room_receipts = 64;  // of one room
  std::size_t room_members = 64;   // member events remembered of one room
  std::size_t rooms = 50000;       // without a user in memory
  std::size_t users = 20000;       // with their lists of rooms
  std::size_t device_changes = 4096;
  std::size_t sent_members = 128;  // remembered for one device
  std::size_t waits = 16384;
  std::size_t waits_of_user = 16;
  std::size_t waits_of_device = 4;
  // A wait goes on for so long after a newer one of its device began. Were it ended at once, two
  // clients with one token would answer one another without end.
  std::chrono::milliseconds superseded_wait = std::chrono::seconds(1);
  std::size_t typing_users = 64;  // of one room
};

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};

enum class Membership : std::uint8_t { leave, join, invite, knock, ban };
[[nodiscard]] Membership parse_membership(std::string_view text) noexcept;

struct Receipt {
  store::StreamId position;
  std::string user_id;
  std::string type;
  std::string event_id;
  std::string thread_id;
  Millis ts;
};

// Of the room's members, for clients that name the room after them.
struct Summary {
  std::int64_t joined = 0;
  std::int64_t invited = 0;
  std::vector<std::string> heroes;  // one more than are told, since one may be the reader
  std::vector<std::string> former_heroes;
};

// Of the user's account data, what a sync needs for itself. Immutable.
struct UserData {
  std::vector<std::string> ignored;  // sorted
  // Null: the defaults alone, which most users need never be compiled for.
  std::shared_ptr<const matrix::RuleSet> rules;

  // The rules in force, made when they are first asked for. As long as this object.
  [[nodiscard]] const matrix::RuleSet& rules_of(std::string_view user_id) const {
    if (rules) return *rules;
    std::call_once(made_, [&] { defaults_.emplace(matrix::RuleSet::defaults(user_id)); });
    return *defaults_;
  }
  [[nodiscard]] bool ignores(std::string_view user_id) const {
    return std::ranges::binary_search(ignored, user_id);
  }

 private:
  mutable std::once_flag made_;
  mutable std::optional<matrix::RuleSet> defaults_;
};

// Who may notify the room, as push rules ask it.
struct PushLevels {
  std::optional<matrix::PowerLevels> levels;
  matrix::EventPtr content;  // the m.room.power_levels, or null
};

// How much of a room a user has not read.
struct UnreadCount {
  std::int32_t notify = 0;
  std::int32_t highlight = 0;
};
struct Unread {
  store::StreamId counted = 0;  // everything up to here is in it
  UnreadCount main;
  std::vector<std::pair<std::string, UnreadCount>> threads;  // by root; none without a count
  [[nodiscard]] bool any() const noexcept { return main.notify != 0 || !threads.empty(); }
};

struct UserEntry;

struct RoomEntry {
  store::RoomNid nid = 0;
  std::string room_id;
  const matrix::RoomVersion* version = nullptr;  // null: not known yet
  store::StreamId last_event = 0;
  store::StreamId last_receipt = 0;
  std::deque<ItemPtr> events;  // every event after events_floor
  store::StreamId events_floor = 0;
  std::deque<Receipt> receipts;  // every change after receipts_floor
  store::StreamId receipts_floor = 0;
  std::vector<UserEntry*> users;  // joined to it and in memory
  std::shared_ptr<const Summary> summary;
  store::StreamId last_member_event = 0;  // what is remembered is of this or later
  std::shared_ptr<const PushLevels> levels;
  store::StreamId last_levels = 0;
  store::StreamId last_redaction = 0;
  std::deque<ItemPtr> members;
  std::vector<std::pair<std::string, std::chrono::steady_clock::time_point>> typing;
  std::int64_t typing_serial = 0;
};

struct UserRoom {
  RoomEntry* room = nullptr;
  Membership membership = Membership::leave;
  bool forgotten = false;
  store::StreamId position = 0;
  store::StreamId own_receipt = 0;  // the last change of the user's own
  std::unique_ptr<Unread> unread;
};

struct DeviceEntry {
  std::string device_id;
  store::StreamId first_to_device = 0;  // 0: none wait
  store::StreamId last_to_device = 0;
  std::shared_ptr<const std::string> key_counts;
  StreamToken members_token;                // of the reply that sent_members stand for
  std::vector<std::uint64_t> sent_members;  // hashes of room and user, oldest first
};

struct UserEntry {
  std::string user_id;
  bool loaded = false;
  std::uint64_t last_use = 0;
  std::vector<UserRoom> rooms;  // ascending by nid
  store::StreamId last_account_data = 0;
  std::shared_ptr<const UserData> data;
  store::StreamId last_data = 0;  // data is of this or later
  std::vector<DeviceEntry> devices;
  std::vector<std::unique_ptr<Waiter>> waiters;
};

}  // namespace gims::service::sync
