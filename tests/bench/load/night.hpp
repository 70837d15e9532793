// What devices missed while they were away, and whether they got it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/load/pool.hpp"

namespace gims::bench {

// Every device is in a team of 10, a department of 50 and an announcement room of 650 (the last of
// each may be smaller), was up to date in the evening, and then missed every message in them and a
// key share.
struct NightPlan {
  struct Kind {
    std::size_t members;
    std::size_t messages;  // in a room of the kind
  };
  static constexpr Kind team{.members = 10, .messages = 6};
  static constexpr Kind department{.members = 50, .messages = 15};
  static constexpr Kind announcements{.members = 650, .messages = 20};

  struct Room {
    Kind kind;
    std::size_t first;  // member
    std::size_t members;
    std::string id;  // once it is made
  };
  struct Message {
    std::size_t room;
    std::size_t number;  // in the room
  };

  explicit NightPlan(std::size_t devices);

  // What is wrong with the device's first answer in the morning; empty: nothing. It has to bring
  // each of the device's rooms with the newest messages, as many as a timeline holds, and the key.
  [[nodiscard]] std::string missing_in(json::Value news, std::size_t device) const;

  std::vector<Room> rooms;
  std::vector<std::vector<std::size_t>> rooms_of;  // by device
  std::vector<Message> messages;                   // in the order in which they are sent
};

// Thread: one, the loop's.
class Night {
 public:
  // Makes the rooms, lets every device look, and sends. `devices` outlives it.
  Night(Loop& loop, const Target& target, const std::vector<Account>& devices);

  [[nodiscard]] const NightPlan& plan() const noexcept { return plan_; }
  // Where the device was in the evening.
  [[nodiscard]] const std::string& since(std::size_t device) const { return since_[device]; }

 private:
  void make_rooms(Pool& pool);
  void look(Pool& pool);
  void send(Pool& pool);
  void share_keys(Pool& pool);

  const std::vector<Account>& devices_;
  NightPlan plan_;
  std::vector<std::string> since_;
};

}  // namespace gims::bench
