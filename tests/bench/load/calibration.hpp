// How fast this machine is at the moment, by a fixed piece of work.
#pragma once

#include <chrono>

namespace gims::bench {

struct Calibration {
  // The processor time of the work, the least of several: what the processor can do now.
  std::chrono::nanoseconds processor{};
  // Time that went by for all of them, against the processor time they used: 1 on an idle machine,
  // 2 where as much again was spent waiting for others.
  double waiting = 1;
};

// Integer work in the first-level cache, on one thread; about a tenth of a second.
[[nodiscard]] Calibration calibrate();

}  // namespace gims::bench
