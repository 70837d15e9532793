#include "crypto/bytes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gims::crypto {
namespace {

std::string decoded(std::string_view text, Alphabet alphabet = Alphabet::standard) {
  const auto bytes = from_base64(text, alphabet);
  return bytes ? std::string(as_text(*bytes)) : "refused";
}

// Spec: appendices, "Unpadded Base64".
TEST(Base64, WritesAndReadsTheExamplesOfTheSpec) {
  const std::pair<std::string_view, std::string_view> examples[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : examples) {
    EXPECT_EQ(base64(as_bytes(plain)), encoded);
    EXPECT_EQ(decoded(encoded), plain);
  }
}

TEST(Base64, KeepsTheAlphabetsApart) {
  const Bytes bytes{0xfb, 0xff, 0xfe};
  EXPECT_EQ(base64(bytes), "+//+");
  EXPECT_EQ(base64(bytes, Alphabet::url_safe), "-__-");
  EXPECT_EQ(decoded("-__-"), "refused");
  EXPECT_EQ(decoded("+//+", Alphabet::url_safe), "refused");
  EXPECT_EQ(from_base64("-__-", Alphabet::url_safe), bytes);
}

TEST(Base64, TakesFullPaddingAndNoOther) {
  EXPECT_EQ(decoded("Zg=="), "f");
  EXPECT_EQ(decoded("Zm8="), "fo");
  for (const std::string_view text : {"Zg=", "Zg===", "Zm9v====", "=", "====", "Z=g="}) {
    EXPECT_EQ(decoded(text), "refused") << text;
  }
}

TEST(Base64, RefusesWhatNoEncoderWrites) {
  // One character too many, white space, set bits past the end, bytes outside of the alphabet.
  for (const std::string_view text :
       {"Z", "Zm9vY", "Zm 9v", "Zm9v\n", "Zh", "Zm9", "Zm9v\xc3\xa9zz"}) {
    EXPECT_EQ(decoded(text), "refused") << text;
  }
  EXPECT_EQ(decoded(std::string_view("Zm9v\0aaa", 8)), "refused");
}

TEST(Base64, IgnoresLeftoverBitsWhereAsked) {
  EXPECT_EQ(from_base64("Zh", Alphabet::standard, Leftover::ignored), Bytes{'f'});
  EXPECT_EQ(from_base64("Z", Alphabet::standard, Leftover::ignored), std::nullopt);
}

TEST(Hex, GoesBothWays) {
  const Bytes bytes{0x00, 0x9f, 0xff};
  EXPECT_EQ(hex(bytes), "009fff");
  EXPECT_EQ(from_hex("009FfF"), bytes);
  EXPECT_EQ(hex({}), "");
  EXPECT_EQ(from_hex(""), Bytes())
      << "under UndefinedBehaviorSanitizer: no null pointer is passed on";
  EXPECT_EQ(from_hex("009"), std::nullopt);
  EXPECT_EQ(from_hex("0g"), std::nullopt);
  EXPECT_EQ(from_hex("00:9f:"), std::nullopt);
}

}  // namespace
}  // namespace gims::crypto
