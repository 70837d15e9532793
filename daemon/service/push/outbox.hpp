// What pushers are still to be told of: in memory, bounded, without I/O.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "service/sync/feed_state.hpp"
#include "store/changes.hpp"

namespace gims::service::push {

struct Pusher {
  std::string user_id;
  std::string app_id;
  std::string push_key;
  std::string data = "{}";  // as its owner gave it, without the gateway's address; JSON
  bool id_only = true;      // format event_id_only
  friend bool operator==(const Pusher&, const Pusher&) = default;
};

// What is told of an event; one for all who are told.
struct Told {
  store::StreamId position = 0;
  store::RoomNid room = 0;
  std::string room_id;
  std::string event_id;
  std::string type;
  std::string sender;
};

struct Unsent {
  std::shared_ptr<const Told> event;
  bool invites = false;         // the user, who is not in the room yet
  bool user_is_target = false;  // it is about the user's own membership
  bool high = false;            // prio
  bool highlight = false;
  std::string sound = {};
};

// When a bound is reached: see each.
struct OutboxLimits {
  // Of one pusher: its oldest room makes place. The device is told of so many others.
  std::size_t rooms = 16;
  // Of all together: full(), so nothing more is evaluated until some are sent. Nothing is lost by
  // it, since events wait in the store.
  std::size_t unsent = 65'536;
  // Failures of one in a row: it is given up. The room's next event is told again.
  unsigned tries = 8;
  // Between two of one pusher: what comes meanwhile is one for a room. So 100 pushers of one
  // account, which is the most, do not keep the gateway from the others.
  std::chrono::milliseconds pace{250};
  // After a failure of one; doubled by each further one.
  std::chrono::milliseconds first_pause{1000};
  std::chrono::milliseconds longest_pause{60'000};
};

// Of each pusher at most one a room: a newer event takes the place of one that was not sent, and
// keeps its loudness. Those that are due go in the order in which they came to be. Thread: one.
class Outbox {
  struct Entry;

 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit Outbox(OutboxLimits limits = {}) : limits_(limits) {}

  // Of pushers that are new here: they were set just now, or before this process.
  enum class Known : std::uint8_t { never_told, nothing };
  // All that the user has from now on. What is unsent of one that is the same as before stays.
  void set_pushers(std::string_view user_id, std::vector<Pusher> pushers, Known known);
  [[nodiscard]] bool serves(std::string_view user_id) const { return users_.contains(user_id); }
  [[nodiscard]] std::size_t users() const noexcept { return users_.size(); }

  void add(std::string_view user_id, const Unsent& unsent, Time now);
  // The user may have nothing unread any more: pushers that were told of something are to be told.
  void read(std::string_view user_id, Time now);

  // One that is due now. Good until the next call; then one of the four below says what became of
  // it.
  struct Job {
    const Pusher* pusher;
    const Unsent* unsent;  // null: only how much is unread
    Entry* entry;
  };
  [[nodiscard]] std::optional<Job> next(Time now);
  void sent(const Job& job, std::int64_t unread, Time now);
  void not_needed(const Job& job, Time now);
  // False: that was the last try.
  bool failed(const Job& job, Time now);
  // The gateway will not have the pusher.
  void remove(const Job& job);

  [[nodiscard]] std::optional<Time> next_due() const;
  [[nodiscard]] std::size_t unsent() const noexcept { return firsts_.size(); }
  [[nodiscard]] bool full() const noexcept { return unsent() >= limits_.unsent; }
  // The position of the oldest event of which somebody is still to be told.
  [[nodiscard]] std::optional<store::StreamId> oldest() const;

 private:
  using Place = std::pair<Time, std::uint64_t>;
  struct Waiting {
    Unsent unsent;
    store::StreamId first;  // of the events that it stands for
  };
  struct Entry {
    Pusher pusher;
    std::vector<Waiting> rooms = {};  // the oldest first
    bool count_due = false;
    bool told_none;  // it shows nothing unread
    unsigned tries = 0;
    Time not_before = {};
    std::optional<Place> place = std::nullopt;  // in due_
  };
  using Entries = std::vector<std::unique_ptr<Entry>>;

  void queue(Entry& entry, Time now);
  void unqueue(Entry& entry);
  void drop_front(Entry& entry);
  void forget(Entry& entry);
  void settle(const Job& job, Time now);

  const OutboxLimits limits_;
  std::unordered_map<std::string, Entries, sync::StringHash, std::equal_to<>> users_;
  std::map<Place, Entry*> due_;
  std::uint64_t queued_ = 0;
  std::multiset<store::StreamId> firsts_;
};

}  // namespace gims::service::push
