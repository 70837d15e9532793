// Comparing and choosing without a branch, and without an address, that depends on the values.
#pragma once

#include <cstdint>

namespace gims::hsm::slip39 {

// All bits set, or none.
using Mask = std::uint64_t;

// The value as it is. The compiler knows nothing of it afterwards, so it cannot see that a mask has
// two values only and make a branch of what is computed with it.
[[nodiscard]] inline std::uint64_t opaque(std::uint64_t value) noexcept {
  __asm__("" : "+r"(value));
  return value;
}

[[nodiscard]] inline Mask if_equal(std::uint64_t a, std::uint64_t b) noexcept {
  const std::uint64_t different = opaque(a ^ b);
  return ((different | (0 - different)) >> 63U) - 1;
}
// Whether a < b; both below 2^63.
[[nodiscard]] inline Mask if_below(std::uint64_t a, std::uint64_t b) noexcept {
  return 0 - (opaque(a - b) >> 63U);
}
// Whether the lowest bit is set.
[[nodiscard]] inline Mask if_odd(std::uint64_t value) noexcept { return 0 - (opaque(value) & 1U); }

}  // namespace gims::hsm::slip39
