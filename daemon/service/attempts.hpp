// How often something secret may be guessed at: the first failures cost nothing, each further one a
// wait that doubles.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace gims::service {

struct AttemptLimits {
  unsigned free;                 // failures that cost nothing
  std::chrono::seconds longest;  // wait, whatever comes: one that an owner can still sit out
};

// Failures in a row, by whatever the caller counts by (an account and an address). In memory, and
// bounded: forgets whoever has waited long enough, or else the one whose wait is over first.
// Thread: any.
class Attempts {
 public:
  static constexpr std::size_t most_remembered = 16384;

  Attempts(AttemptLimits limits, const Clock& clock) noexcept : limits_(limits), clock_(clock) {}

  // M_LIMIT_EXCEEDED while there is a wait. Else the attempt counts as failed from now on until it
  // has matched, so that many at once are no way around the limit.
  [[nodiscard]] Result<> begin(const std::string& key);
  void matched(const std::string& key);
  // The attempt came to no verdict.
  void undo(const std::string& key);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Failures {
    unsigned count = 0;
    Time last;
  };
  [[nodiscard]] Time over(const Failures& failures) const noexcept;
  void make_room(Time now);

  const AttemptLimits limits_;
  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, Failures> failures_;
};

}  // namespace gims::service
