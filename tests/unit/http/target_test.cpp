#include "http/target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gims::http {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Target, TakesThePathApart) {
  const auto target = parse_target("/_matrix/client/v3/rooms/%21a%3Ab/state/m.room.name/");
  ASSERT_TRUE(target);
  EXPECT_THAT(target->segments,
              ElementsAre("_matrix", "client", "v3", "rooms", "!a:b", "state", "m.room.name", ""));
  EXPECT_THAT(parse_target("/")->segments, ElementsAre(""));
  EXPECT_THAT(parse_target("//a")->segments, ElementsAre("", "a"));
  EXPECT_THAT(parse_target("/a%2Fb/..")->segments, ElementsAre("a/b", ".."));
}

TEST(Target, TakesTheQueryApart) {
  const auto target = parse_target("/a?b=1&c&b=2+3&d=%2B%3D=&&=e");
  ASSERT_TRUE(target);
  EXPECT_THAT(target->queries, ElementsAre(Pair("b", "1"), Pair("c", ""), Pair("b", "2 3"),
                                           Pair("d", "+=="), Pair("", "e")));
  // In a path '+' is itself.
  EXPECT_THAT(parse_target("/a+b")->segments, ElementsAre("a+b"));
}

TEST(Target, TakesEveryFormThatAServerMust) {
  EXPECT_THAT(parse_target("http://gims.internal:8443/a?b=c")->segments, ElementsAre("a"));
  EXPECT_THAT(parse_target("https://gims.internal")->segments, ElementsAre(""));
  EXPECT_THAT(parse_target("http://gims.internal?b=c")->queries, ElementsAre(Pair("b", "c")));
  EXPECT_THAT(parse_target("*")->segments, ElementsAre());
  EXPECT_EQ(path_of("http://gims.internal/a?b"), "/a");
  EXPECT_EQ(path_of("/a?b"), "/a");
}

TEST(Target, RefusesWhatIsNone) {
  for (const char* text : {"", "a", "a/b", "?a", "gims.internal:443", "/a#b", "/a?b#c", "/%", "/%4",
                           "/%zz", "/a%00b", "/?a=%00", "/\xff", "/?\xc3=1", "ftp://x/"}) {
    const auto target = parse_target(text);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().kind, ErrorKind::bad_input) << text;
    EXPECT_EQ(target.error().code, "BAD_TARGET") << text;
  }
}

TEST(Target, HasLimits) {
  std::string path;
  for (std::size_t i = 0; i < most_segments; ++i) path += "/a";
  EXPECT_TRUE(parse_target(path));
  EXPECT_FALSE(parse_target(path + "/a"));
  std::string query = "/?a";
  for (std::size_t i = 1; i < most_queries; ++i) query += "&a";
  EXPECT_TRUE(parse_target(query));
  EXPECT_FALSE(parse_target(query + "&a"));
}

}  // namespace
}  // namespace gims::http
