#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gims {
namespace {

// Unicode 15, table 3-7, each bound from both sides.
TEST(IsUtf8, KnowsEveryBound) {
  for (const char* good : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "आशा"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xc1\xbf", "\xc2", "\xc2\xc0", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xe1\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                          "\xf1\x80\x80", "\xf1\x80\x80\xc0", "\xff"}) {
    EXPECT_FALSE(is_utf8(bad)) << bad;
  }
}

TEST(IsUtf8, LooksPastLongAsciiRuns) {
  EXPECT_TRUE(is_utf8("गोपनीय संदेश, twenty plain characters, और अंत"));
  EXPECT_FALSE(is_utf8("twenty plain characters \xc3"));
  EXPECT_TRUE(is_utf8(""));
}

// A multi-byte sequence may lie anywhere in the words that are looked at as a whole.
TEST(IsUtf8, FindsWhatIsWrongAtAnyPlaceOfALongText) {
  for (std::size_t at = 0; at < 24; ++at) {
    std::string text(24, 'x');
    EXPECT_TRUE(is_utf8(text.insert(at, "\xe0\xa4\x86"))) << at;
    text.erase(at + 2, 1);
    EXPECT_FALSE(is_utf8(text)) << at;
  }
}

TEST(Utf8, IsCutBetweenCharacters) {
  const std::string_view text = "a\xe0\xa4\xa8\xe0\xa4\xae";  // a, two of Devanagari
  const std::size_t kept[] = {0, 1, 1, 1, 4, 4, 4, 7, 7};
  for (std::size_t most = 0; most < std::size(kept); ++most) {
    EXPECT_EQ(cut_utf8(text, most), text.substr(0, kept[most])) << most;
  }
  EXPECT_EQ(cut_utf8("\x80\x80\x80", 2), "") << "no beginning of a character is found";
}

}  // namespace
}  // namespace gims
