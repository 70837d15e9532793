// A device that keeps up with its rooms: /sync, and /messages where a timeline came cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "bench/load/device.hpp"
#include "bench/replay/ledger.hpp"

namespace gims::bench {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>()(text);
  }
};
using RoomNumbers =
    std::unordered_map<std::string, Ledger::Room, TextHash, std::equal_to<>>;  // by id

// Thread: one. Tells the ledger what it sees, a room's events in the order in which they are to be
// shown: what was left out of a timeline is fetched first.
class Follower {
 public:
  struct Look {
    std::size_t events = 0;
    // Of the room with the newest event, for a receipt; empty: there was none.
    std::string room;
    std::string last_event;
  };
  using Done = std::function<void(const Look&)>;
  // Every message's label, as it comes.
  using OnLabel = std::function<void(std::string_view)>;

  // All outlive it; the device too, which must have no other request while a look lasts.
  Follower(Device& device, const RoomNumbers& rooms, Ledger& ledger, OnLabel on_label = nullptr)
      : device_(device), rooms_(rooms), ledger_(ledger), on_label_(std::move(on_label)) {}

  // From the first look on.
  void follow_as(Ledger::Reader reader) { reader_ = reader; }
  [[nodiscard]] Ledger::Reader reader() const noexcept { return reader_; }
  // `filter`: an id or JSON, as /sync takes it.
  void set_filter(std::string filter) { filter_ = std::move(filter); }
  // One /sync with that timeout, and all that it leaves to be fetched.
  void look(std::chrono::milliseconds timeout, Done done);

  [[nodiscard]] std::uint64_t looks() const noexcept { return looks_; }
  [[nodiscard]] std::uint64_t pages() const noexcept { return pages_; }

 private:
  struct Gap {
    std::string room_id;
    Ledger::Room room = 0;
    std::string from;                   // where the timeline begins
    std::vector<Fingerprint> fetched;   // before the timeline, the newest first
    std::vector<Fingerprint> timeline;  // the oldest first
  };

  void on_news(json::Value news);
  void on_room(std::string_view room_id, json::Value content);
  void fill();
  void end();
  [[nodiscard]] Fingerprint take(json::Value event);

  Device& device_;
  const RoomNumbers& rooms_;
  Ledger& ledger_;
  OnLabel on_label_;
  Ledger::Reader reader_ = 0;
  std::string filter_;
  std::string since_;
  std::string next_;
  std::deque<Gap> gaps_;
  Look look_;
  Done done_;
  std::uint64_t looks_ = 0;
  std::uint64_t pages_ = 0;
};

// The events of a list that are messages, in its order.
template <class Take>
void for_each_message(json::Value events, Take take) {
  for (const json::Value event : events.array()) {
    if (event.get("type").string_or("") == "m.room.encrypted") take(event);
  }
}
[[nodiscard]] Fingerprint fingerprint_of(json::Value event);
// One page of a room's history; a place where it is to end may be empty.
[[nodiscard]] std::string messages_path(std::string_view room_id, char direction,
                                        std::string_view from, std::string_view to, int limit);

}  // namespace gims::bench
