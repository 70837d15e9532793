#include "bench/load/loop.hpp"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstdlib>

namespace gims::bench {
namespace {

constexpr std::uint64_t timer_data = 0;

void must(const Result<>& outcome) {
  if (!outcome) give_up(outcome.error().text + " " + outcome.error().detail);
}

std::uint64_t data_of(Loop::Watcher& watcher) { return std::bit_cast<std::uint64_t>(&watcher); }

}  // namespace

void give_up(const std::string& why) {
  std::fprintf(stderr, "bench_load: %s\n", why.c_str());
  std::exit(1);
}

Loop::Loop()
    : epoll_([] {
        auto epoll = sys::Epoll::create();
        if (!epoll) give_up("epoll: " + epoll.error().detail);
        return std::move(*epoll);
      }()),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!timer_) give_up("timerfd_create failed");
  must(epoll_.add(timer_.get(), EPOLLIN, timer_data));
}

void Loop::add(int fd, std::uint32_t events, Watcher& watcher) {
  must(epoll_.add(fd, events, data_of(watcher)));
}
void Loop::modify(int fd, std::uint32_t events, Watcher& watcher) {
  must(epoll_.modify(fd, events, data_of(watcher)));
}
void Loop::remove(int fd, Watcher& watcher) {
  must(epoll_.remove(fd));
  removed_.push_back(&watcher);
}

void Loop::turn(std::chrono::milliseconds at_most) {
  std::array<epoll_event, 256> room{};
  removed_.clear();
  const auto events = epoll_.wait(room, at_most);
  if (!events) give_up("epoll: " + events.error().detail);
  for (const epoll_event& event : *events) {
    if (event.data.u64 == timer_data) {
      std::uint64_t expirations = 0;
      static_cast<void>(!::read(timer_.get(), &expirations, sizeof expirations));
      continue;
    }
    auto* watcher = std::bit_cast<Watcher*>(event.data.u64);
    if (!std::ranges::contains(removed_, watcher)) watcher->on_events(event.events);
  }
}

void Loop::run_to(Time time) {
  // The steady clock is CLOCK_MONOTONIC (libstdc++ and libc++ on Linux).
  const auto since = std::max(time.time_since_epoch(), Clock::duration(1));
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(since);
  const itimerspec when{.it_interval = {},
                        .it_value = {.tv_sec = whole.count(), .tv_nsec = (since - whole).count()}};
  if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) != 0) {
    give_up("timerfd_settime failed");
  }
  do {
    turn(std::chrono::milliseconds(1000));
  } while (Clock::now() < time);
}

void Loop::run_until(const std::function<bool()>& done, const std::string& what,
                     std::chrono::seconds limit) {
  const Time end = Clock::now() + limit;
  while (!done()) {
    if (Clock::now() >= end) give_up(what + ": not done within the time limit");
    turn(std::chrono::milliseconds(100));
  }
}

}  // namespace gims::bench
