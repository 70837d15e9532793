// Downloads of promised files that wait for the upload (spec: client-server API, "Content
// repository", timeout_ms). An object each, no thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.hpp"

namespace gims::service {

// Waits in all, and of one user; who comes beyond that is answered at once.
inline constexpr std::size_t most_media_waits = 1024;
inline constexpr std::size_t most_media_waits_of_user = 16;

// Thread: any. One of its own looks after the deadlines.
class MediaWaits {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Names one wait to come, so that a client's going can be told before it has begun.
  using Ticket = std::shared_ptr<std::atomic<bool>>;
  // Called once, from any thread, when there is reason to look: the file is there, the time is up,
  // or the server stops. Must not block. Goes uncalled where the client went.
  using Look = std::move_only_function<void()>;

  // `clock` lives longer.
  explicit MediaWaits(const Clock& clock);
  MediaWaits(const MediaWaits&) = delete;
  MediaWaits& operator=(const MediaWaits&) = delete;
  ~MediaWaits();  // as stop()

  [[nodiscard]] static Ticket ticket() { return std::make_shared<std::atomic<bool>>(false); }
  // Where as many wait as may, or the server stops, `look` is called at once.
  void add(const Ticket& ticket, std::string user_id, std::string media_id, Time deadline,
           Look look);
  void uploaded(std::string_view media_id);
  // The client went.
  void gone(const Ticket& ticket);
  // Those whose time is up; the thread does it by itself.
  void run_due(Time now);
  // All are called; who comes later is at once. Idempotent.
  void stop();

 private:
  struct Wait {
    Ticket ticket;
    std::string user_id;
    std::string media_id;
    Time deadline;
    Look look;
  };
  // Out of the list, to be called or dropped without the lock.
  template <class Which>
  [[nodiscard]] std::list<Wait> take(Which which);
  void run();

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Wait> waits_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gims::service
