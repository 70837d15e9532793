#include "hsm/slip39/gf256.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace gims::hsm::slip39 {
namespace {

// The same products another way: by the powers of 3, which reach every element but zero.
struct Logarithms {
  std::array<std::uint8_t, 255> power{};
  std::array<unsigned, 256> logarithm{};
  Logarithms() {
    unsigned element = 1;
    for (unsigned i = 0; i < power.size(); ++i) {
      power[i] = static_cast<std::uint8_t>(element);
      logarithm[element] = i;
      element ^= element << 1U;
      if (element > 255) element ^= 0x11bU;
    }
  }
  [[nodiscard]] unsigned product(unsigned a, unsigned b) const {
    return a == 0 || b == 0 ? 0U : power[(logarithm[a] + logarithm[b]) % 255];
  }
};

TEST(Gf256, MultipliesAsTheFieldOfAes) {
  EXPECT_EQ(multiply(0x57, 0x83), 0xc1);  // FIPS 197, section 4.2
  const Logarithms by;
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      ASSERT_EQ(multiply(static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b)),
                by.product(a, b))
          << a << " by " << b;
    }
  }
}

TEST(Gf256, InvertsEveryElementButZero) {
  EXPECT_EQ(invert(0), 0);
  for (unsigned a = 1; a < 256; ++a) {
    const auto element = static_cast<std::uint8_t>(a);
    EXPECT_EQ(multiply(element, invert(element)), 1) << a;
  }
}

TEST(Gf256, InterpolatesAPolynomialOfEachByte) {
  // p(x) = 7 + 9x + 200x^2 and q(x) = 1.
  const auto value = [](std::uint8_t x) {
    return static_cast<std::uint8_t>(7 ^ multiply(9, x) ^ multiply(200, multiply(x, x)));
  };
  const std::vector<std::uint8_t> xs{3, 254, 17};
  std::vector<std::uint8_t> rows;
  for (const std::uint8_t x : xs) rows.insert(rows.end(), {value(x), 1});
  for (unsigned x = 0; x < 256; ++x) {
    std::array<std::uint8_t, 2> row{};
    interpolate(xs, rows, static_cast<std::uint8_t>(x), row);
    EXPECT_EQ(row[0], value(static_cast<std::uint8_t>(x))) << x;
    EXPECT_EQ(row[1], 1) << x;
  }
}

}  // namespace
}  // namespace gims::hsm::slip39
