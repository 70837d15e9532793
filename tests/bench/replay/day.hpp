// What is said in a day: who sends how much into which room at which minute.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/replay/organisation.hpp"
#include "bench/replay/random.hpp"

namespace gims::bench {

inline constexpr std::uint32_t minutes_of_day = 1440;

struct PlannedMessage {
  std::uint64_t number = 0;
  double minute = 0;  // of the day
  std::uint32_t room = 0;
  std::uint32_t sender = 0;      // an officer; a member
  std::uint32_t ciphertext = 0;  // bytes
  bool typing = false;           // announced before
  bool shares_key = false;       // the room's Megolm session is new
};

// The same sequence for the same organisation, number of messages and seed. Messages come in the
// order of their minutes: few at night, most between nine and one and between two and half past
// five. How many each kind of room gets is fixed (`share_of`); within a kind, rooms have weights
// like Zipf's law has them, in an order of their own. In announcement rooms the heads of the
// ministry write, elsewhere all members do.
class Day {
 public:
  Day(const Organisation& organisation, std::uint64_t messages, std::uint64_t seed);

  [[nodiscard]] bool over() const noexcept { return next_ == messages_; }
  // Not when it is over.
  [[nodiscard]] PlannedMessage next();

  // The part of a day's messages that a kind of room gets; 1 in all.
  [[nodiscard]] static double share_of(RoomKind kind) noexcept;
  // Above the number of messages that are sent into a room with one Megolm session.
  static constexpr std::uint32_t session_messages = 100;
  // Rooms with more members share keys before the day: else shares alone would fill it.
  static constexpr std::size_t most_key_receivers = 30;

 private:
  struct Kind {
    double until = 0;  // cumulative share
    std::vector<std::uint32_t> rooms;
    std::vector<double> weights;  // cumulative
  };
  [[nodiscard]] std::uint32_t pick_room();
  [[nodiscard]] std::uint32_t pick_size();
  [[nodiscard]] double minute_of(std::uint64_t number);

  const Organisation& organisation_;
  std::uint64_t messages_;
  std::uint64_t next_ = 0;
  Random random_;
  std::array<Kind, room_kinds> kinds_;
  std::vector<std::uint32_t> said_;  // by room
  std::array<double, minutes_of_day + 1> cumulative_{};
  std::uint32_t minute_ = 0;
};

}  // namespace gims::bench
