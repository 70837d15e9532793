// Time, so that tests can set it.
#pragma once

#include <chrono>
#include <cstdint>

namespace gims {

// Milliseconds since 1970 UTC, as Matrix writes them (origin_server_ts).
using Millis = std::int64_t;

// Thread: all functions from any thread.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  // The wall clock. It may jump, also backwards: use it for what is shown or stored.
  [[nodiscard]] virtual Millis now_ms() const noexcept = 0;
  // Never goes back: use it for every wait and interval.
  [[nodiscard]] virtual std::chrono::steady_clock::time_point steady() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Millis now_ms() const noexcept override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const noexcept override {
    return std::chrono::steady_clock::now();
  }
};

}  // namespace gims
