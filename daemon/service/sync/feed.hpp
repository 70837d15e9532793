// What was committed lately, in memory, for /sync: a reply whose `since` lies within it is made
// without the database. Also the table of those who wait for news.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "service/sync/feed_state.hpp"
#include "service/sync/item.hpp"
#include "service/sync/waiter.hpp"
#include "service/tokens.hpp"
#include "store/changes.hpp"
#include "store/store.hpp"

namespace gims::service::sync {

// What of the stream concerns one user, in (since, position].
struct RoomNews {
  store::RoomNid nid = 0;
  std::string room_id;
  const matrix::RoomVersion* version = nullptr;
  Membership membership = Membership::leave;
  store::StreamId membership_position = 0;
  bool forgotten = false;
  store::StreamId last_event = 0;
  store::StreamId last_receipt = 0;
  // Ascending. Complete: no event of the range is missing, else none is given.
  bool events_complete = false;
  std::vector<ItemPtr> events;
  bool receipts_complete = false;
  std::vector<Receipt> receipts;
  bool typing_changed = false;
  std::vector<std::string> typing;
};
struct News {
  StreamToken token;  // the reply's next_batch
  bool account_data = false;
  store::StreamId first_to_device = 0;  // of those that wait for the device; 0: none do
  store::StreamId last_to_device = 0;
  std::vector<RoomNews> rooms;  // with something in the range; all of them where since is nothing
  bool device_changes_complete = false;
  std::vector<std::string> device_changes;        // users, each once, in the order of their names
  std::shared_ptr<const std::string> key_counts;  // null: to be read
};

// Thread: all functions from any thread; one mutex, held for microseconds.
class Feed final : public store::ChangeListener {
 public:
  explicit Feed(FeedLimits limits = {});
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  ~Feed() override;

  // Before the first request: what is committed already.
  void start(store::StreamId position);
  void committed(store::StreamId position,
                 std::span<const store::Change> changes) noexcept override;

  // Sees to it that the user's rooms are in memory. Reads the store the first time.
  [[nodiscard]] Result<> ensure_user(store::Store& store, const std::string& user_id);
  // Nothing: the user is not in memory (any more): ensure_user(), then again.
  // `all_rooms`: rooms without news too.
  [[nodiscard]] std::optional<News> collect(const std::string& user_id, std::string_view device_id,
                                            std::optional<StreamToken> since, bool all_rooms);
  // The rooms that a user is joined to, ascending; nothing: not in memory.
  [[nodiscard]] std::optional<std::vector<store::RoomNid>> joined_rooms(const std::string& user_id);
  [[nodiscard]] store::StreamId position() const;
  // One room of the user's, without its events.
  [[nodiscard]] std::optional<RoomNews> room_of_user(const std::string& user_id,
                                                     std::string_view room_id);
  // The events of (above, up_to], ascending; nothing: not all of them are in memory.
  [[nodiscard]] std::optional<std::vector<ItemPtr>> events(store::RoomNid room,
                                                           store::StreamId above,
                                                           store::StreamId up_to) const;

  // Remembered for all users of a room until its members change.
  [[nodiscard]] std::shared_ptr<const Summary> summary(store::RoomNid room);
  void remember_summary(store::RoomNid room, store::StreamId as_of,
                        std::shared_ptr<const Summary> summary);
  [[nodiscard]] ItemPtr member(store::RoomNid room, std::string_view user_id,
                               store::StreamId as_of);
  void remember_member(store::RoomNid room, store::StreamId as_of, const ItemPtr& member);
  [[nodiscard]] std::shared_ptr<const PushLevels> push_levels(store::RoomNid room);
  void remember_push_levels(store::RoomNid room, store::StreamId as_of,
                            std::shared_ptr<const PushLevels> levels);
  // Remembered for a user or device until they change.
  [[nodiscard]] std::optional<Unread> unread(const std::string& user_id, store::RoomNid room);
  void remember_unread(const std::string& user_id, store::RoomNid room, const Unread& unread);
  [[nodiscard]] std::shared_ptr<const UserData> user_data(const std::string& user_id);
  void remember_user_data(const std::string& user_id, store::StreamId as_of,
                          std::shared_ptr<const UserData> data);
  // Null: to be read.
  [[nodiscard]] std::shared_ptr<const std::string> key_counts(const std::string& user_id,
                                                              std::string_view device_id);
  void remember_key_counts(const std::string& user_id, std::string_view device_id,
                           std::uint64_t generation, std::shared_ptr<const std::string> counts);
  [[nodiscard]] std::uint64_t key_generation() const;
  // The first message that waits for the device, or 0. An earlier one may be named where that one
  // is not known.
  [[nodiscard]] store::StreamId first_to_device(const std::string& user_id,
                                                std::string_view device_id);
  // What was delivered is gone from the table.
  void to_device_dropped(const std::string& user_id, std::string_view device_id,
                         store::StreamId up_to);

  // Which of `members` the device has not been sent yet in this room; they count as sent with the
  // reply that ends at `next`. A device that does not go on from its last reply is sent all again.
  [[nodiscard]] std::vector<std::string> members_to_send(const std::string& user_id,
                                                         std::string_view device_id,
                                                         std::optional<StreamToken> since,
                                                         store::RoomNid room,
                                                         std::vector<std::string> members);
  void members_sent(const std::string& user_id, std::string_view device_id,
                    std::optional<StreamToken> since, StreamToken next,
                    const std::vector<std::pair<store::RoomNid, std::string>>& members);

  // Typing, in memory alone. `until` in the past: stopped.
  void set_typing(store::RoomNid room, std::string_view room_id, const std::string& user_id,
                  std::chrono::steady_clock::time_point now,
                  std::chrono::steady_clock::time_point until);

  // Makes the waiter wait, unless there is news after its `checked` token: then it is given back
  // and its owner looks again, so that no wake-up is lost. Older waiters of the device are
  // superseded (their waits end soon). Where too many wait already it is refused, or
  // the oldest of its device.
  [[nodiscard]] std::unique_ptr<Waiter> park(std::unique_ptr<Waiter> waiter,
                                             std::chrono::steady_clock::time_point now);
  // The client went: the waiter is destroyed.
  void forget(std::string_view user_id, std::uint64_t waiter_id);
  // Blocks until waiters are ready, work is due, or stop(). Ends waits and typing that are over by
  // `now`. At most `most` at a time, so that a room's thousand are shared by the workers.
  struct Work {
    std::vector<std::unique_ptr<Waiter>> waiters;
    std::vector<std::string>
        device_changes;  // of users not in memory: ensure_user(), then wake_contacts()
    bool stopped = false;
  };
  [[nodiscard]] Work next_work(const Clock& clock, std::size_t most);
  // The same without blocking.
  [[nodiscard]] Work due_work(std::chrono::steady_clock::time_point now, std::size_t most);
  void wake_contacts(const std::string& user_id);
  // Gives all waiters out as timed out; later ones are not taken.
  void stop();

  struct Sizes {
    std::size_t rooms, users, events, waiters;
  };
  [[nodiscard]] Sizes sizes() const;
  // Statements that replies had to run since the start.
  [[nodiscard]] std::atomic<std::uint64_t>& statements() noexcept { return statements_; }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  RoomEntry& room_entry(store::RoomNid nid, std::string_view room_id,
                        const matrix::RoomVersion* version);
  [[nodiscard]] UserEntry* find_user(std::string_view user_id);
  [[nodiscard]] RoomEntry* find_room(store::RoomNid room) const;
  [[nodiscard]] static UserRoom* find_room_of(UserEntry& user, store::RoomNid room);
  void apply(const store::EventAdded& change);
  void apply(const store::MembershipChanged& change);
  void apply(const store::EventRedacted& change);
  void apply(const store::ReceiptChanged& change);
  void apply(const store::AccountDataChanged& change);
  void apply(const store::ToDeviceAdded& change);
  void apply(const store::DeviceListChanged& change);
  void apply(const store::KeyCountsChanged& change);
  void apply(const store::DeviceRemoved& change);
  void apply(const store::DeviceTokensEnded& change);
  void apply(const store::UserStateChanged& change);
  // No client is told.
  static void apply(const store::PushersChanged&) noexcept {}
  static void apply(const store::AuditAppended&) noexcept {}

  void set_membership(UserEntry& user, RoomEntry& room, Membership membership,
                      store::StreamId position, bool forgotten);
  void add_event(RoomEntry& room, ItemPtr item);
  void trim(RoomEntry& room, std::size_t keep);
  void wake(UserEntry& user);
  void wake_room(RoomEntry& room);
  void make_ready(std::unique_ptr<Waiter> waiter, Waiter::Reason reason);
  void end_waits(UserEntry& user, std::string_view device_id);
  void supersede(UserEntry& user, Waiter& newest, SteadyTime now);
  [[nodiscard]] bool make_room(UserEntry& user, const Waiter& newcomer);
  void wake_contacts_locked(UserEntry& user);
  [[nodiscard]] bool has_news(const UserEntry& user, const Waiter& waiter) const;
  [[nodiscard]] RoomNews room_news(const UserRoom& held, std::optional<StreamToken> since) const;
  void expire(SteadyTime now);
  void evict_users();
  void evict_rooms();
  Work take(std::size_t most);

  const FeedLimits limits_;
  std::atomic<std::uint64_t> statements_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable ready_condition_;
  store::StreamId position_ = 0;
  // Rooms without an entry have had nothing after it.
  store::StreamId room_floor_ = 0;
  std::unordered_map<store::RoomNid, std::unique_ptr<RoomEntry>> rooms_;
  std::unordered_map<std::string, std::unique_ptr<UserEntry>, StringHash, std::equal_to<>> users_;
  std::deque<std::pair<store::RoomNid, store::StreamId>> event_order_;
  std::size_t events_held_ = 0;
  std::deque<std::pair<store::StreamId, std::string>> device_changes_;
  store::StreamId device_changes_floor_ = 0;
  std::uint64_t key_generation_ = 0;
  std::uint64_t use_counter_ = 0;

  std::int64_t typing_serial_ = 0;
  std::set<std::pair<SteadyTime, store::RoomNid>> typing_ends_;

  std::set<std::pair<SteadyTime, Waiter*>> deadlines_;
  std::size_t waiting_ = 0;
  std::deque<std::unique_ptr<Waiter>> ready_;
  std::deque<std::string> device_jobs_;
  bool stopped_ = false;
};

}  // namespace gims::service::sync
