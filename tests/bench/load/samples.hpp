// Times of many operations, and exact percentiles of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace gims::bench {

// Keeps every sample, so that a percentile is one that was measured and no estimate from buckets: a
// row has some ten thousand. Thread: one.
class Samples {
 public:
  void add(std::chrono::nanoseconds sample) {
    samples_.push_back(sample);
    sorted_ = false;
  }
  [[nodiscard]] std::size_t size() const noexcept { return samples_.size(); }

  // The smallest sample that at least this part of all samples does not exceed ("nearest rank"):
  // percentile(50) is the median, percentile(100) the largest. 0 < percent <= 100; zero where there
  // is no sample.
  [[nodiscard]] std::chrono::nanoseconds percentile(double percent);
  // The same in milliseconds.
  [[nodiscard]] double percentile_ms(double percent);

 private:
  std::vector<std::chrono::nanoseconds> samples_;
  bool sorted_ = true;
};

}  // namespace gims::bench
