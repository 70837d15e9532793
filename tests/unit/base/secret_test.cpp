#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <array>

namespace gims {
namespace {

TEST(SecretBytes, CopyHoldsTheSameBytesAndMovesAway) {
  const std::array<std::uint8_t, 3> bytes{1, 2, 3};
  auto secret = SecretBytes::copy_of(bytes);
  ASSERT_TRUE(secret);
  EXPECT_TRUE(equal_in_constant_time(secret->bytes(), bytes));
  const SecretBytes moved = std::move(*secret);
  EXPECT_EQ(moved.size(), 3U);
  EXPECT_TRUE(secret->empty());
}

TEST(SecretBytes, RandomOnesDiffer) {
  auto a = SecretBytes::random(32);
  auto b = SecretBytes::random(32);
  ASSERT_TRUE(a && b);
  EXPECT_FALSE(equal_in_constant_time(a->bytes(), b->bytes()));
}

TEST(SecretBytes, OfDifferentLengthsAreNotEqual) {
  const std::array<std::uint8_t, 3> three{1, 2, 3};
  const std::array<std::uint8_t, 2> two{1, 2};
  EXPECT_FALSE(equal_in_constant_time(three, two));
}

TEST(Redacted, MovingLeavesNothingBehind) {
  Redacted token("syt_secret");
  Redacted other;
  other = std::move(token);
  EXPECT_EQ(other.reveal(), "syt_secret");
  EXPECT_TRUE(token.empty());
}

}  // namespace
}  // namespace gims
