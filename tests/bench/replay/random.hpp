// Numbers that are the same on every machine for the same seed; the standard's distributions are
// not.
#pragma once

#include <cstdint>

namespace gims::bench {

// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (SplitMix64). Not for
// secrets.
class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) noexcept : state_(seed) {}

  [[nodiscard]] static constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }
  constexpr std::uint64_t next() noexcept { return mix(state_ += 0x9e3779b97f4a7c15U); }
  // Of [0, bound); 0 for a bound of 0. The bias is below bound / 2^32.
  constexpr std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>(((next() >> 32U) * bound) >> 32U);
  }
  // Of [low, high].
  constexpr std::uint32_t between(std::uint32_t low, std::uint32_t high) noexcept {
    return low + below(high - low + 1);
  }
  // Of [0, 1).
  constexpr double unit() noexcept { return static_cast<double>(next() >> 11U) * 0x1p-53; }
  // True for that part of all calls.
  constexpr bool chance(double part) noexcept { return unit() < part; }

 private:
  std::uint64_t state_;
};

}  // namespace gims::bench
