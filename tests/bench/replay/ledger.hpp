// The exact check of a replay: every device saw every event of its rooms, once, in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gims::bench {

// What stands for an event here: its id and a label from its content, which the sender made. Two
// events with the same one are taken for one; of 2.5 million that happens once in 6 million runs.
using Fingerprint = std::uint64_t;
[[nodiscard]] Fingerprint fingerprint(std::string_view event_id, std::string_view label) noexcept;

// A room's order is what the first reader to come so far saw; every other reader is held against
// it event by event, and in the end the order itself is held against what the server acknowledged
// to the senders and against the history that it gives. So nothing depends on one reader alone.
// Memory: 24 bytes a message and 8 for each room of each reader; what a late reader has seen is
// kept until its place in the order is known. Thread: one.
class Ledger {
 public:
  using Reader = std::uint32_t;
  using Room = std::uint32_t;
  using Sender = std::uint32_t;

  explicit Ledger(std::size_t rooms) : rooms_(rooms) {}

  // A device that is in these rooms from before their first message.
  [[nodiscard]] Reader add_reader(std::vector<Room> rooms);
  // One that comes later: what it sees first in a room is its beginning there, and from then on
  // it must see all.
  [[nodiscard]] Reader add_late_reader(std::vector<Room> rooms);
  // It is signed out: what it has not seen, it need not see.
  void retire(Reader reader);

  // The server has answered a send; a sender's answers come in the order of its sends.
  void acknowledged(Room room, Sender sender, Fingerprint event);
  void seen(Reader reader, Room room, Fingerprint event);
  // One message to one device, by the device that is to have it.
  void sent_to_device(Reader reader, Fingerprint message);
  void seen_to_device(Reader reader, Fingerprint message);
  // All of a room's messages as /messages gives them, oldest first. Once a room, at the end.
  void history(Room room, std::span<const Fingerprint> events);

  // Whether the reader is where the room's order ends, as far as it is known.
  [[nodiscard]] bool is_at_end(Reader reader) const;
  // Whether a room of the reader's has acknowledged messages that it has not seen: whether a push
  // would have told its device.
  [[nodiscard]] bool has_news(Reader reader) const;
  // Once all have been told everything: finds what is missing.
  void finish();

  // What was wrong, in words; `faults()` counts beyond the first hundred that are told.
  [[nodiscard]] std::size_t faults() const noexcept { return faults_; }
  [[nodiscard]] const std::vector<std::string>& told() const noexcept { return told_; }
  [[nodiscard]] std::uint64_t events() const noexcept { return acknowledged_; }
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }
  [[nodiscard]] std::uint64_t to_device() const noexcept { return to_device_; }

 private:
  struct Acknowledged {
    Fingerprint event = 0;
    Sender sender = 0;
  };
  struct Order {
    std::vector<Fingerprint> events;
    std::vector<Acknowledged> acknowledged;
  };
  struct Place {
    Room room = 0;
    std::uint32_t next = 0;  // of the order's events; `unplaced`: not known yet
  };
  static constexpr std::uint32_t unplaced = ~std::uint32_t{0};
  struct Waiting {  // seen by a late reader before the order had it
    Room room = 0;
    std::vector<Fingerprint> events;
  };
  struct Held {
    std::vector<Place> rooms;  // ascending
    std::vector<Waiting> waiting;
    bool retired = false;
    // Count and sum of what was sent to it and what it has: an order is not promised.
    std::uint64_t sent = 0;
    std::uint64_t sent_sum = 0;
    std::uint64_t got = 0;
    std::uint64_t got_sum = 0;
  };

  Reader add(std::vector<Room> rooms, std::uint32_t next);
  void step(Reader reader, Place& place, Fingerprint event);
  void try_to_place(Reader reader, Place& place, bool at_the_end);
  void check_reader(Reader reader);
  void check_room(Room room);
  void fault(std::string what);

  std::vector<Order> rooms_;
  std::vector<Held> readers_;
  std::vector<std::string> told_;
  std::size_t faults_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t deliveries_ = 0;
  std::uint64_t to_device_ = 0;
};

}  // namespace gims::bench
