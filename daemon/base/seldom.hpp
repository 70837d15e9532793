// For entries of the journal about what goes on for long: one a minute is enough.
#pragma once

#include <chrono>
#include <optional>

namespace gims {

// Thread: one.
class Seldom {
 public:
  // True the first time, and then once a minute at most.
  [[nodiscard]] bool due(std::chrono::steady_clock::time_point now) noexcept {
    if (last_ && now - *last_ < std::chrono::minutes(1)) return false;
    last_ = now;
    return true;
  }

 private:
  std::optional<std::chrono::steady_clock::time_point> last_;
};

}  // namespace gims
