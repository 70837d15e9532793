// A clock that a test sets.
#pragma once

#include <atomic>

#include "base/clock.hpp"

namespace gims::test {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(Millis now = 1'700'000'000'000) noexcept : now_(now) {}
  [[nodiscard]] Millis now_ms() const noexcept override { return now_; }
  [[nodiscard]] std::chrono::steady_clock::time_point steady() const noexcept override {
    return std::chrono::steady_clock::time_point(std::chrono::milliseconds(now_));
  }
  void advance(Millis by) noexcept { now_ += by; }

 private:
  std::atomic<Millis> now_;
};

}  // namespace gims::test
