#include "crypto/password.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace gims::crypto {
namespace {

SecretBytes pepper_of(std::uint8_t byte) {
  return SecretBytes::copy_of(std::vector<std::uint8_t>(32, byte)).value();
}

Redacted password(std::string_view text) { return Redacted(std::string(text)); }

std::string hashed(std::string_view text, const SecretBytes& pepper) {
  return hash_password(password(text), pepper, lowest_password_cost).value();
}

TEST(Password, FitsOnlyItself) {
  const SecretBytes pepper = pepper_of(1);
  const std::string encoded = hashed("correct horse", pepper);
  EXPECT_TRUE(encoded.starts_with("$argon2id$v=19$m=8,t=1,p=1$")) << encoded;
  EXPECT_TRUE(password_fits(password("correct horse"), pepper, encoded).value_or(false));
  EXPECT_FALSE(password_fits(password("correct horse "), pepper, encoded).value_or(true));
  EXPECT_FALSE(password_fits(password(""), pepper, encoded).value_or(true));
}

TEST(Password, NeedsThePepper) {
  const std::string encoded = hashed("correct horse", pepper_of(1));
  EXPECT_FALSE(password_fits(password("correct horse"), pepper_of(2), encoded).value_or(true));
}

TEST(Password, IsSaltedAnew) {
  const SecretBytes pepper = pepper_of(1);
  EXPECT_NE(hashed("same", pepper), hashed("same", pepper));
}

TEST(Password, RefusesDamagedEncodings) {
  const SecretBytes pepper = pepper_of(1);
  std::string encoded = hashed("x", pepper);
  for (const std::string_view other : {"", "$argon2id$", "plain"}) {
    EXPECT_FALSE(password_fits(password("x"), pepper, other).value_or(true));
  }
  EXPECT_FALSE(
      password_fits(password("x"), pepper, encoded + std::string(200, 'A')).value_or(true));
  EXPECT_FALSE(
      password_fits(password("x"), pepper, std::string_view(encoded).substr(0, 60)).value_or(true));
}

TEST(Password, LimitsTheLength) {
  const std::string longest(max_password_bytes, 'a');
  const SecretBytes pepper = pepper_of(1);
  EXPECT_TRUE(hash_password(password(longest), pepper, lowest_password_cost));
  const auto refused = hash_password(password(longest + "a"), pepper, lowest_password_cost);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::too_large);
}

TEST(Password, TakesNoCostThatArgon2idHasNot) {
  for (const PasswordCost& cost : {PasswordCost{0, lowest_password_cost.memory_bytes},
                                   PasswordCost{lowest_password_cost.passes, 0}}) {
    const auto refused = hash_password(password("x"), pepper_of(1), cost);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::internal);
    EXPECT_EQ(refused.error().code, "M_UNKNOWN");
    EXPECT_EQ(refused.error().detail, "Argon2id's cost is out of range");
  }
}

TEST(Password, AsksForAnewHashWhenTheCostChanged) {
  const std::string encoded = hashed("x", pepper_of(1));
  EXPECT_FALSE(needs_rehash(encoded, lowest_password_cost));
  EXPECT_TRUE(needs_rehash(encoded, {2, 8192}));
  EXPECT_TRUE(needs_rehash("damaged", lowest_password_cost));
}

}  // namespace
}  // namespace gims::crypto
