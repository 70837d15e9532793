#include "hsm/slip39/gf256.hpp"

#include <algorithm>

#include "hsm/slip39/masks.hpp"

namespace gims::hsm::slip39 {
namespace {

constexpr std::uint64_t modulus = 0x11b;

// What the row at xs[at] counts at x (Lagrange): 1 when x is xs[at], 0 when x is another of them.
std::uint8_t weight(std::span<const std::uint8_t> xs, std::size_t at, std::uint8_t x) noexcept {
  std::uint8_t above = 1;
  std::uint8_t below = 1;
  for (std::size_t other = 0; other < xs.size(); ++other) {
    if (other == at) continue;
    above = multiply(above, x ^ xs[other]);
    below = multiply(below, xs[at] ^ xs[other]);
  }
  return multiply(above, invert(below));
}

}  // namespace

std::uint8_t multiply(std::uint8_t a, std::uint8_t b) noexcept {
  std::uint64_t product = 0;
  std::uint64_t factor = a;
  for (unsigned bit = 0; bit < 8; ++bit) {
    product ^= if_odd(std::uint64_t{b} >> bit) & factor;
    factor = (factor << 1U) ^ (if_odd(factor >> 7U) & modulus);
  }
  return static_cast<std::uint8_t>(product);
}

std::uint8_t invert(std::uint8_t a) noexcept {
  // a^254, as a^255 is 1: the product of a^2, a^4, ... a^128.
  std::uint8_t power = a;
  std::uint8_t product = 1;
  for (int i = 0; i < 7; ++i) {
    power = multiply(power, power);
    product = multiply(product, power);
  }
  return product;
}

void interpolate(std::span<const std::uint8_t> xs, std::span<const std::uint8_t> rows,
                 std::uint8_t x, std::span<std::uint8_t> out) noexcept {
  std::ranges::fill(out, std::uint8_t{0});
  for (std::size_t at = 0; at < xs.size(); ++at) {
    const std::uint8_t factor = weight(xs, at, x);
    const auto row = rows.subspan(at * out.size(), out.size());
    for (std::size_t i = 0; i < out.size(); ++i) out[i] ^= multiply(factor, row[i]);
  }
}

}  // namespace gims::hsm::slip39
