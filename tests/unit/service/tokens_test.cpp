#include "service/tokens.hpp"

#include <gtest/gtest.h>

namespace gims::service {
namespace {

TEST(Tokens, ReadBackWhatTheyWrote) {
  const StreamToken token{.stream = 123, .typing = 4};
  EXPECT_EQ(format(token), "s123_4");
  EXPECT_EQ(parse_stream_token("s123_4"), token);
  EXPECT_EQ(format_place(77), "t77");
  EXPECT_EQ(parse_place("t77"), 77);
}

TEST(Tokens, APlaceMayComeFromASync) { EXPECT_EQ(parse_place("s123_4"), 123); }

TEST(Tokens, KeepHowFarMessagesToTheDeviceWent) {
  const StreamToken token{.stream = 123, .typing = 4, .to_device = 100};
  EXPECT_EQ(format(token), "s123_4_100");
  EXPECT_EQ(parse_stream_token("s123_4_100"), token);
  EXPECT_EQ(token.last_to_device(), 100);
}

class BadToken : public ::testing::TestWithParam<const char*> {};

TEST_P(BadToken, IsRefused) {
  const auto place = parse_place(GetParam());
  ASSERT_FALSE(place);
  EXPECT_EQ(place.error().code, "M_INVALID_PARAM");
  EXPECT_FALSE(parse_stream_token(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(All, BadToken,
                         ::testing::Values("", "t", "s", "s1", "s1_", "s_1", "t-1", "t+1", "t01",
                                           "t1x", "x1", "t99999999999999999999", "s1_2_3",
                                           "s9_2_3_4", "s9_2_", "t 1"));

}  // namespace
}  // namespace gims::service
