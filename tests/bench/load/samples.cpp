#include "bench/load/samples.hpp"

#include <algorithm>
#include <cmath>

namespace gims::bench {

std::chrono::nanoseconds Samples::percentile(double percent) {
  if (samples_.empty()) return std::chrono::nanoseconds(0);
  if (!sorted_) std::ranges::sort(samples_);
  sorted_ = true;
  const auto count = static_cast<double>(samples_.size());
  // Multiplied first: 0.99 is no binary fraction, and 0.99 * 100 is above 99.
  const double rank = std::ceil(percent * count / 100);
  const auto at = static_cast<std::size_t>(std::clamp(rank, 1.0, count));
  return samples_[at - 1];
}

double Samples::percentile_ms(double percent) {
  return std::chrono::duration<double, std::milli>(percentile(percent)).count();
}

}  // namespace gims::bench
