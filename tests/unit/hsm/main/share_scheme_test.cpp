#include "hsm/main/share_scheme.hpp"

#include <gtest/gtest.h>

namespace gims::hsm {
namespace {

TEST(ShareScheme, IsReadFromTheCommandLine) {
  const auto usual = scheme_of({});
  ASSERT_TRUE(usual);
  EXPECT_EQ(*usual, (ShareScheme{.group_threshold = 1, .groups = {{.threshold = 3, .count = 5}}}));
  EXPECT_EQ(*scheme_of({.shares = "16/16", .groups = {}}),
            (ShareScheme{.group_threshold = 1, .groups = {{.threshold = 16, .count = 16}}}));
  EXPECT_EQ(*scheme_of({.groups = {"2/3", "1/1"}, .groups_needed = 1}),
            (ShareScheme{.group_threshold = 1, .groups = {{2, 3}, {1, 1}}}));
  EXPECT_EQ(scheme_of({.groups = {"2/3", "1/1"}})->group_threshold, 2) << "all";
}

TEST(ShareScheme, SaysWhatIsAllowed) {
  for (const char* wrong : {"", "3", "3/", "/5", "5/3", "0/1", "1/2", "3/17", "3/5/7", "a/b",
                            " 3/5", "3/5 ", "-1/5", "4294967299/5"}) {
    const auto refused = scheme_of({.shares = wrong, .groups = {}});
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, "GIMS_KEYD_REQUEST");
    EXPECT_NE(refused.error().text.find("such as 3/5"), std::string::npos);
  }
  EXPECT_FALSE(scheme_of({.groups = {"2/3"}, .groups_needed = 2}));
  EXPECT_FALSE(scheme_of({.groups = std::vector<std::string>(17, "1/1")}));
}

TEST(ShareScheme, ProgressIsToldByGroup) {
  CeremonyReply now;
  EXPECT_EQ(progress_of(now), "no share yet");
  now.groups = {{.group = 0, .threshold = 3, .given = 2}};
  now.groups_needed = 1;
  EXPECT_EQ(progress_of(now), "group 1: 2 of 3 shares; 1 more group is needed");
  now.groups = {{.group = 0, .threshold = 3, .given = 3}, {.group = 2, .threshold = 2, .given = 1}};
  now.groups_needed = 2;
  EXPECT_EQ(progress_of(now),
            "group 1: complete; group 3: 1 of 2 shares; 2 more groups are needed");
  now.groups_needed = 0;
  EXPECT_EQ(progress_of(now), "group 1: complete; group 3: 1 of 2 shares");
}

}  // namespace
}  // namespace gims::hsm
