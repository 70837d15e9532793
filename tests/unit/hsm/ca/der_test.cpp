#include "hsm/ca/der.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gims::hsm::der {
namespace {

std::string content_of_time(std::int64_t seconds) {
  const Bytes bytes = time(seconds);
  return {bytes.begin() + 2, bytes.end()};
}

// X.690, section 8.1.3: one byte below 128, then a count of bytes and those.
TEST(Der, LengthsAreInTheShortestForm) {
  EXPECT_EQ(element(tag_octet_string, {Bytes(127, 0)})[1], 0x7f);
  const Bytes two = element(tag_octet_string, {Bytes(128, 0)});
  EXPECT_EQ(Bytes(two.begin(), two.begin() + 3), (Bytes{0x04, 0x81, 0x80}));
  const Bytes three = element(tag_octet_string, {Bytes(256, 0)});
  EXPECT_EQ(Bytes(three.begin(), three.begin() + 4), (Bytes{0x04, 0x82, 0x01, 0x00}));
  EXPECT_EQ(element(tag_sequence, {}), (Bytes{0x30, 0x00}));
}

TEST(Der, WholeNumbersAreNotNegativeAndHaveNoZerosInFront) {
  EXPECT_EQ(unsigned_integer(Bytes{0x7f}), (Bytes{0x02, 0x01, 0x7f}));
  EXPECT_EQ(unsigned_integer(Bytes{0x80}), (Bytes{0x02, 0x02, 0x00, 0x80}));
  EXPECT_EQ(unsigned_integer(Bytes{0, 0, 1}), (Bytes{0x02, 0x01, 0x01}));
  EXPECT_EQ(unsigned_integer(Bytes{0, 0}), (Bytes{0x02, 0x01, 0x00}));
  EXPECT_EQ(small_integer(1), (Bytes{0x02, 0x01, 0x01}));
}

TEST(Der, NamedBitsEndWithTheLastThatIsSet) {
  // keyCertSign and cRLSign, bits 5 and 6; digitalSignature, bit 0.
  EXPECT_EQ(named_bits(0x06), (Bytes{0x03, 0x02, 0x01, 0x06}));
  EXPECT_EQ(named_bits(0x80), (Bytes{0x03, 0x02, 0x07, 0x80}));
}

// RFC 5280, section 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050.
TEST(Der, TimesChangeTheirFormIn2050) {
  EXPECT_EQ(time(0)[0], tag_utc_time);
  EXPECT_EQ(content_of_time(0), "700101000000Z");
  EXPECT_EQ(content_of_time(951'827'696), "000229123456Z");  // a leap day
  EXPECT_EQ(content_of_time(2'524'607'999), "491231235959Z");
  EXPECT_EQ(time(2'524'608'000)[0], tag_generalized_time);
  EXPECT_EQ(content_of_time(2'524'608'000), "20500101000000Z");
}

}  // namespace
}  // namespace gims::hsm::der
