// A thread with an epoll loop.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <thread>

#include "sys/epoll.hpp"
#include "sys/event_fd.hpp"
#include "sys/notify.hpp"

namespace gims::tls {

// The part that the acceptor, the handshake workers and the pump loops have in common. A derived
// class does its work in the hooks, all on the loop's thread, and calls join() in its destructor.
class LoopThread {
 public:
  struct Parts {
    sys::Epoll epoll;
    sys::EventFd wake;
  };
  [[nodiscard]] static Result<Parts> make_parts();

  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  virtual ~LoopThread() = default;

  // Before start(). The watchdog outlives the loop's thread.
  void watch(sys::Watchdog& watchdog);
  // `name` has at most 15 bytes and lives for ever. All signals are blocked in the thread.
  void start(const char* name);
  // Any thread: on_wake() follows.
  void wake() const noexcept { wake_.signal(); }
  // Any thread; the loop ends when end_turn() says so. join() waits for that.
  void request_stop() noexcept;
  void join();

 protected:
  explicit LoopThread(Parts parts) noexcept
      : epoll_(std::move(parts.epoll)), wake_(std::move(parts.wake)) {}

  // How long the next wait may last at most.
  virtual std::optional<std::chrono::milliseconds> longest_wait() = 0;
  virtual void on_event(std::uint64_t data, std::uint32_t events) = 0;
  virtual void on_wake() = 0;
  // After the events of a turn. False ends the loop.
  virtual bool end_turn() = 0;

  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_acquire); }
  // The time at the start of the turn's events.
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept { return now_; }
  [[nodiscard]] const sys::Epoll& epoll() const noexcept { return epoll_; }

 private:
  void run();
  sys::Epoll epoll_;
  sys::EventFd wake_;
  std::atomic<bool> stopping_{false};
  std::chrono::steady_clock::time_point now_ = std::chrono::steady_clock::now();
  sys::Watchdog::Pulse* pulse_ = nullptr;
  std::thread thread_;
};

// What is left until `when`, rounded up so that a wait of that long is not too short; not negative.
[[nodiscard]] std::chrono::milliseconds wait_until(std::chrono::steady_clock::time_point when,
                                                   std::chrono::steady_clock::time_point now);

}  // namespace gims::tls
