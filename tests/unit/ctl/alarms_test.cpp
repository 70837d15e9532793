#include "ctl/alarms.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temp_folder.hpp"

namespace gims::ctl {
namespace {

class Alarms : public ::testing::Test {
 protected:
  Result<std::vector<Alarm>> read(std::string_view text) {
    std::ofstream(folder.file("now")) << text;
    return read_alarms(folder.file("now"));
  }
  const test::TempFolder folder;
};

TEST_F(Alarms, AreReadALineEach) {
  const auto alarms = read("1795860000 The volume /var is full.\n1795860060 It is \x1b[2J warm.\n");
  ASSERT_TRUE(alarms);
  ASSERT_EQ(alarms->size(), 2U);
  EXPECT_EQ((*alarms)[0].since, 1'795'860'000'000);
  EXPECT_EQ((*alarms)[0].text, "The volume /var is full.");
  EXPECT_EQ((*alarms)[1].text, "It is ?[2J warm.");
}

TEST_F(Alarms, WhatHasNoTimeIsShownAsItIs) {
  for (const char* const text :
       {"no time", "-1 x", "99999999999999999999 x", "9223372036854775 x"}) {
    const auto alarms = read(text);
    ASSERT_TRUE(alarms);
    EXPECT_EQ(alarms->front().since, 0) << text;
    EXPECT_EQ(alarms->front().text, text);
  }
  EXPECT_FALSE(read(std::string(most_alarm_bytes + 1, 'x')));
}

TEST_F(Alarms, AreToldAboveThePrompt) {
  EXPECT_EQ(alarms_notice(read("")), "");
  EXPECT_EQ(alarms_notice(read("1 It is warm.\n")), "ALARM: It is warm.\n");
  EXPECT_EQ(alarms_notice(read("1 It is warm.\n1 It is full.\n")),
            "ALARM: 2 things are wrong. unit alarms tells them.\n");
  EXPECT_EQ(alarms_notice(read_alarms(folder.file("none"))), "");
}

}  // namespace
}  // namespace gims::ctl
