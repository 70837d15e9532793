#include <gtest/gtest.h>

#include <string>

#include "matrix/push_rules.hpp"

namespace gims::matrix {
namespace {

// Spec: client-server API, "event_match", the examples.
TEST(Glob, MatchesTheWholeValue) {
  EXPECT_TRUE(glob_matches("lunc?*", "Lunch plans"));
  EXPECT_TRUE(glob_matches("lunc?*", "LUNCH"));
  EXPECT_FALSE(glob_matches("lunc?*", " lunch"));
  EXPECT_FALSE(glob_matches("lunc?*", "lunc"));
}

TEST(Glob, MatchesRunsAndCodePoints) {
  EXPECT_TRUE(glob_matches("", ""));
  EXPECT_FALSE(glob_matches("", "a"));
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("**", "abc"));
  EXPECT_FALSE(glob_matches("?", ""));
  EXPECT_TRUE(glob_matches("?", "न"));
  EXPECT_FALSE(glob_matches("??", "न"));
  EXPECT_TRUE(glob_matches("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(glob_matches("a*b*c", "a-b-b-d"));
  EXPECT_TRUE(glob_matches("*.internal", "gims.internal.internal"));
  EXPECT_TRUE(glob_matches("m.room.message", "M.ROOM.MESSAGE"));
  EXPECT_FALSE(glob_matches("m.room", "m-room"));
  EXPECT_TRUE(glob_matches("*?", "aन"));
}

// Spec: client-server API, "event_match", the examples for content.body.
TEST(Glob, MatchesWords) {
  EXPECT_TRUE(glob_matches_words("ex*ple", "An example event."));
  EXPECT_TRUE(glob_matches_words("ex*ple", "exple"));
  EXPECT_TRUE(glob_matches_words("ex*ple", "An exciting triple-whammy"));
  EXPECT_FALSE(glob_matches_words("ex*ple", "An exciting triples"));
  EXPECT_FALSE(glob_matches_words("ex*ple", "annexed people"));
}

TEST(Glob, KnowsTheBoundariesOfWords) {
  EXPECT_TRUE(glob_matches_words("tea", "tea"));
  EXPECT_TRUE(glob_matches_words("tea", "(TEA)"));
  EXPECT_TRUE(glob_matches_words("tea", "steam, tea"));
  EXPECT_FALSE(glob_matches_words("tea", "teas"));
  EXPECT_FALSE(glob_matches_words("tea", "_tea"));
  EXPECT_FALSE(glob_matches_words("tea", "tea4"));
  EXPECT_TRUE(glob_matches_words("tea", "चायtea"));
  EXPECT_TRUE(glob_matches_words("@room", "hello @room!"));
  EXPECT_TRUE(glob_matches_words("?ea", "a pea b"));
  EXPECT_TRUE(glob_matches_words("*", ""));
  EXPECT_TRUE(glob_matches_words("*plan", "a good plan"));
  EXPECT_FALSE(glob_matches_words("*plan", "a good plane"));
  EXPECT_TRUE(glob_matches_words("a b", "x a b c"));
}

// A pattern that is tried at every word costs its length at each, not the rest of the text: this
// ends at once, or not within the time of the test.
TEST(Glob, IsNotSlowOnHostilePatterns) {
  std::string text;
  for (int i = 0; i < 32'000; ++i) text += "a ";
  EXPECT_FALSE(glob_matches_words("a*b", text));
  EXPECT_FALSE(glob_matches_words("a*a*a*a*a*a*a*b", text));
  EXPECT_FALSE(glob_matches("*a*a*a*a*a*b", text));
}

}  // namespace
}  // namespace gims::matrix
