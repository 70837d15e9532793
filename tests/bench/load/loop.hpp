// One thread's events: descriptors and a clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sys/epoll.hpp"

namespace gims::bench {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

// A measurement that cannot go on is of no use: says why and ends the program with status 1.
[[noreturn]] void give_up(const std::string& why);

class Loop {
 public:
  // Called with the events of its descriptor.
  class Watcher {
   public:
    Watcher() = default;
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;
    virtual ~Watcher() = default;
    virtual void on_events(std::uint32_t events) = 0;
  };

  Loop();

  // The watcher lives until its descriptor is removed; it may remove others' in on_events, but must
  // not be deleted there.
  void add(int fd, std::uint32_t events, Watcher& watcher);
  void modify(int fd, std::uint32_t events, Watcher& watcher);
  void remove(int fd, Watcher& watcher);

  // Handles events until the time has come (to some 50 us).
  void run_to(Time time);
  // Until `done`; gives up, naming `what`, when that takes longer than `limit`.
  void run_until(const std::function<bool()>& done, const std::string& what,
                 std::chrono::seconds limit = std::chrono::seconds(120));

 private:
  void turn(std::chrono::milliseconds at_most);

  sys::Epoll epoll_;
  sys::Fd timer_;
  std::vector<const Watcher*> removed_;  // in this turn: their events are stale
};

}  // namespace gims::bench
