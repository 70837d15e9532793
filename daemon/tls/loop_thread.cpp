#include "tls/loop_thread.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/check.hpp"
#include "base/log.hpp"

namespace gims::tls {
namespace {

// The data of the wake descriptor; others are addresses of objects or small numbers.
constexpr std::uint64_t wake_mark = ~std::uint64_t{0};
constexpr std::size_t events_a_turn = 128;

}  // namespace

Result<LoopThread::Parts> LoopThread::make_parts() {
  GIMS_TRY_ASSIGN(auto epoll, sys::Epoll::create());
  GIMS_TRY_ASSIGN(auto wake, sys::EventFd::create());
  GIMS_TRY(epoll.add(wake.fd(), EPOLLIN, wake_mark));
  return Parts{.epoll = std::move(epoll), .wake = std::move(wake)};
}

void LoopThread::watch(sys::Watchdog& watchdog) {
  pulse_ = &watchdog.add_loop([this] { wake(); });
}

void LoopThread::start(const char* name) {
  thread_ = std::thread([this, name] {
    ::pthread_setname_np(::pthread_self(), name);
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    run();
  });
}

void LoopThread::request_stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  wake();
}

void LoopThread::join() {
  if (!thread_.joinable()) return;
  request_stop();
  thread_.join();
}

void LoopThread::run() {
  std::array<epoll_event, events_a_turn> room{};
  for (;;) {
    const auto events = epoll_.wait(room, longest_wait());
    if (!events) {
      log::failure(log::id::loop_broken, "A loop cannot wait for its connections.", events.error());
    }
    // It fails for a bad argument alone.
    GIMS_CHECK(events.has_value());
    now_ = std::chrono::steady_clock::now();
    if (pulse_ != nullptr) pulse_->beat();
    for (const epoll_event& event : *events) {
      if (event.data.u64 == wake_mark) {
        wake_.drain();
        on_wake();
      } else {
        on_event(event.data.u64, event.events);
      }
    }
    if (!end_turn()) return;
  }
}

std::chrono::milliseconds wait_until(std::chrono::steady_clock::time_point when,
                                     std::chrono::steady_clock::time_point now) {
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::ceil<std::chrono::milliseconds>(when - now));
}

}  // namespace gims::tls
