#include "hsm/approval/signature.hpp"

#include <gtest/gtest.h>

#include "support/approval_signer.hpp"

namespace gims::hsm::approval {
namespace {

using test::der_number;
using test::der_signature;
using test::tagged;
using test::operator+;

// n - s, for the order n of P-256.
std::array<std::uint8_t, 32> other_s(const std::array<std::uint8_t, 32>& s) {
  constexpr std::array<std::uint8_t, 32> order{0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
                                               0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                               0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
                                               0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
  std::array<std::uint8_t, 32> result{};
  int borrow = 0;
  for (std::size_t i = 32; i-- > 0;) {
    const int digit = order[i] - s[i] - borrow;
    borrow = digit < 0 ? 1 : 0;
    result[i] = static_cast<std::uint8_t>(digit + (borrow << 8));
  }
  return result;
}

class Es256Signature : public testing::Test {
 protected:
  [[nodiscard]] bool good(const Bytes& signature) const {
    return signed_by(signer.about(), message, signature);
  }
  test::Signer signer{"Asha", KeyKind::key_es256};
  Bytes message = test::bytes_of("message");
  P256Signature numbers = signer.p256(message);
};

TEST_F(Es256Signature, EitherSIsTaken) {
  EXPECT_TRUE(good(der_signature(numbers)));
  P256Signature other = numbers;
  other.s = other_s(numbers.s);
  EXPECT_TRUE(good(der_signature(other)));
}

TEST_F(Es256Signature, EveryOtherFormThanThatOfDerIsRefused) {
  const Bytes r = der_number(numbers.r);
  const Bytes s = der_number(numbers.s);
  ASSERT_TRUE(good(tagged(0x30, r + s)));
  const Bytes content = r + s;
  const auto size = static_cast<std::uint8_t>(content.size());
  // Lengths in the long form, and in the indefinite one of BER.
  EXPECT_FALSE(good(Bytes{0x30, 0x81, size} + content));
  EXPECT_FALSE(good(Bytes{0x30, 0x82, 0x00, size} + content));
  EXPECT_FALSE(good(Bytes{0x30, 0x80} + content + Bytes{0, 0}));
  const Bytes r_value(r.begin() + 2, r.end());
  const Bytes long_r = Bytes{0x02, 0x81, static_cast<std::uint8_t>(r_value.size())} + r_value;
  EXPECT_FALSE(good(tagged(0x30, long_r + s)));
  // Zeros in front.
  EXPECT_FALSE(good(tagged(0x30, tagged(0x02, Bytes{0} + r_value) + s)));
  // Other tags.
  EXPECT_FALSE(good(tagged(0x31, content)));
  EXPECT_FALSE(good(tagged(0x10, content)));
  EXPECT_FALSE(good(tagged(0x30, tagged(0x03, r_value) + s)));
  // More, or less, within and behind.
  EXPECT_FALSE(good(tagged(0x30, content) + Bytes{0}));
  EXPECT_FALSE(good(tagged(0x30, content + Bytes{0})));
  EXPECT_FALSE(good(tagged(0x30, content + Bytes{0x05, 0x00})));
  EXPECT_FALSE(good(tagged(0x30, content + der_number(numbers.s))));
  EXPECT_FALSE(good(tagged(0x30, r)));
  EXPECT_FALSE(good(tagged(0x30, {})));
  EXPECT_FALSE(good({}));
  // r and s as they are, as other protocols send them.
  EXPECT_FALSE(
      good(Bytes(numbers.r.begin(), numbers.r.end()) + Bytes(numbers.s.begin(), numbers.s.end())));
}

TEST_F(Es256Signature, NegativeNumbersAndEmptyOnesAreRefused) {
  // A number whose high bit is set wants a zero in front.
  EXPECT_TRUE(p256_signature_of(tagged(0x30, der_number(Bytes{0x80}) + der_number(Bytes{1}))));
  EXPECT_FALSE(p256_signature_of(tagged(0x30, tagged(0x02, {0x80}) + der_number(Bytes{1}))));
  EXPECT_FALSE(p256_signature_of(tagged(0x30, tagged(0x02, {}) + der_number(Bytes{1}))));
  const Bytes longest(32, 0xff);
  EXPECT_TRUE(p256_signature_of(tagged(0x30, der_number(longest) + der_number(longest))));
  EXPECT_FALSE(p256_signature_of(tagged(0x30, der_number(Bytes(33, 0x7f)) + der_number(Bytes{1}))));
  EXPECT_FALSE(p256_signature_of(
      tagged(0x30, tagged(0x02, Bytes{0} + Bytes(33, 0x7f)) + der_number(Bytes{1}))));
}

TEST_F(Es256Signature, NumbersOutOfRangeAreRefused) {
  const std::array<std::uint8_t, 32> zero{};
  const std::array<std::uint8_t, 32> order = other_s(zero);
  for (const auto& number : {zero, order}) {
    EXPECT_FALSE(good(der_signature({.r = number, .s = numbers.s})));
    EXPECT_FALSE(good(der_signature({.r = numbers.r, .s = number})));
    EXPECT_FALSE(good(der_signature({.r = number, .s = number})));
  }
}

TEST(Ed25519Approval, AnSThatIsNotReducedIsRefused) {
  const test::Signer signer("Asha", KeyKind::key_ed25519);
  const Bytes message = test::bytes_of("message");
  Bytes signature = signer.sign(message);
  ASSERT_TRUE(signed_by(signer.about(), message, signature));
  // s + L, which a lax verification takes.
  constexpr std::array<std::uint8_t, 32> order{0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                               0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                               0,    0,    0,    0,    0,    0,    0,    0,
                                               0,    0,    0,    0,    0,    0,    0,    0x10};
  unsigned carry = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    carry += signature[32 + i] + unsigned{order[i]};
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8U;
  }
  EXPECT_FALSE(signed_by(signer.about(), message, signature));
}

}  // namespace
}  // namespace gims::hsm::approval
