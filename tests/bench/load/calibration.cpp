#include "bench/load/calibration.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>

namespace gims::bench {
namespace {

using std::chrono::nanoseconds;

nanoseconds processor_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

// Marsaglia's xorshift64 over a table of 16 KiB: dependent arithmetic, loads and stores.
std::uint64_t work() {
  std::array<std::uint64_t, 2048> table{};
  std::uint64_t x = 0x9e3779b97f4a7c15U;
  for (int i = 0; i < 4'000'000; ++i) {
    x ^= x << 13U;
    x ^= x >> 7U;
    x ^= x << 17U;
    std::uint64_t& slot = table[static_cast<std::size_t>(x >> 53U)];
    x += slot;
    slot = x | 1U;
  }
  return x;
}

}  // namespace

Calibration calibrate() {
  constexpr int rounds = 6;
  volatile std::uint64_t kept = 0;  // so that the work is done
  nanoseconds least = nanoseconds::max();
  const auto start = std::chrono::steady_clock::now();
  const nanoseconds first = processor_time();
  for (int round = 0; round < rounds; ++round) {
    const nanoseconds before = processor_time();
    kept = work();
    least = std::min(least, processor_time() - before);
  }
  static_cast<void>(kept);
  const nanoseconds all = processor_time() - first;
  const nanoseconds passed = std::chrono::steady_clock::now() - start;
  return {.processor = least,
          .waiting = static_cast<double>(passed.count()) / static_cast<double>(all.count())};
}

}  // namespace gims::bench
