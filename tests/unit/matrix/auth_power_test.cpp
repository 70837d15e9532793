// The rules for m.room.power_levels (spec: rooms/v10, v11, v12, "Authorization rules"): one test
// for each numbered rule, run for every room version. Names carry the numbers of version 12.
#include "unit/matrix/auth_fixture.hpp"

namespace gims::matrix {
namespace {

// --- 10: m.room.power_levels. The officer has level 20 and may send the event.

class LevelsRule : public AuthRule {
 protected:
  static constexpr std::string_view own = R"("@desk.officer:gims.internal":20)";
  static constexpr std::string_view may_send = R"("events":{"m.room.power_levels":0})";
  LevelsRule() { set_levels(may_send, own); }

  // Whether the officer may go from one set of levels to another.
  bool allows_change(std::string_view before, std::string_view after) {
    return allows_change(before, own, after, own);
  }
  bool allows_change(std::string_view before, std::string_view users_before, std::string_view after,
                     std::string_view users_after) {
    const auto joined = [](std::string_view members) {
      return members.contains(R"("events":)") || members.empty()
                 ? std::string(members)
                 : std::string(members) + "," + std::string(may_send);
    };
    set_levels(before.empty() ? may_send : joined(before), users_before);
    return allows_levels(officer, after.empty() ? may_send : joined(after), users_after);
  }
};
INSTANTIATE_TEST_SUITE_P(AllVersions, LevelsRule, every_version(), version_name);

TEST_P(LevelsRule, R10_1_WantsIntegers) {
  for (const std::string_view key :
       {"users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"}) {
    const std::string name = json::quoted(key);
    EXPECT_FALSE(allows_levels(creator, name + R"(:"50")", own)) << key;
    EXPECT_FALSE(allows_levels(creator, name + ":null", own)) << key;
    EXPECT_TRUE(allows_levels(creator, name + ":50", own)) << key;
  }
}
TEST_P(LevelsRule, R10_2_WantsObjectsOfIntegers) {
  for (const std::string_view key : {"events", "notifications"}) {
    const std::string name = json::quoted(key);
    EXPECT_FALSE(allows_levels(creator, name + R"(:{"x":"50"})", own)) << key;
    EXPECT_FALSE(allows_levels(creator, name + ":[]", own)) << key;
    EXPECT_TRUE(allows_levels(creator, name + R"(:{"x":50})", own)) << key;
  }
}
TEST_P(LevelsRule, R10_3_WantsUserIdsWithIntegers) {
  EXPECT_FALSE(allows_levels(creator, "", R"("nobody":50)"));
  EXPECT_FALSE(allows_levels(creator, "", R"("@clerk:gims.internal":"50")"));
  EXPECT_FALSE(allows(room_.make(creator, "m.room.power_levels", "", R"({"users":[]})")));
  EXPECT_TRUE(allows_levels(creator, "", R"("@clerk:gims.internal":50)"));
}
TEST_P(LevelsRule, R10_4_DoesNotNameCreatorsFromVersion12) {
  const auto naming = [&](std::string_view user) {
    return allows(room_.make(creator, "m.room.power_levels", "",
                             R"({"users":{)" + json::quoted(user) + R"(:100}})"));
  };
  EXPECT_EQ(naming(creator), !is_v12());
}
TEST(LevelsRuleOfVersion12, R10_4_DoesNotNameAdditionalCreatorsEither) {
  RoomUnderTest room(room_version_12(),
                     R"({"additional_creators":["@desk.officer:gims.internal"]})");
  room.set_member(creator, "join");
  const auto naming = [&](std::string_view user) {
    return authorise(room.version(),
                     *room.make(creator, "m.room.power_levels", "",
                                R"({"users":{)" + json::quoted(user) + R"(:100}})"),
                     room.state())
        .has_value();
  };
  EXPECT_FALSE(naming(officer));
  EXPECT_TRUE(naming(clerk));
}
TEST_P(LevelsRule, R10_5_AllowsTheFirstOfARoom) {
  room_.state().remove("m.room.power_levels", "");
  EXPECT_TRUE(allows_levels(creator, R"("ban":1000)", R"("@clerk:gims.internal":1000)"));
}
TEST_P(LevelsRule, R10_6_ChangesSingleLevelsUpToOnesOwn) {
  for (const std::string_view key :
       {"users_default", "events_default", "state_default", "ban", "redact", "kick", "invite"}) {
    const auto level = [&](int number) { return json::quoted(key) + ":" + std::to_string(number); };
    EXPECT_TRUE(allows_change(level(20), level(20))) << key;
    EXPECT_TRUE(allows_change(level(10), level(20))) << key;
    EXPECT_FALSE(allows_change(level(10), level(21))) << key;
    // Of what is above one's own, not even lowering. (events_default and users_default of 21 would
    // lift the officer, who is named, to nothing.)
    EXPECT_FALSE(allows_change(level(21), level(10))) << key;
    EXPECT_TRUE(allows_change("", level(20))) << key;
    EXPECT_FALSE(allows_change("", level(21))) << key;
    EXPECT_TRUE(allows_change(level(20), "")) << key;
    EXPECT_FALSE(allows_change(level(21), "")) << key;
    EXPECT_TRUE(allows_change(level(21), level(21))) << key;
  }
}
TEST_P(LevelsRule, R10_7_And_8_ChangesEntriesUpToOnesOwn) {
  const auto events = [](std::string_view entry) {
    return R"("events":{"m.room.power_levels":0)" + std::string(entry) + "}";
  };
  const auto notifications = [](std::string_view entry) {
    return R"("notifications":{)" + std::string(entry) + "}";
  };
  const auto check = [&](const auto& with, std::string_view comma) {
    const auto entry = [&](int number) {
      return with(std::string(comma) + R"("room":)" + std::to_string(number));
    };
    EXPECT_TRUE(allows_change(entry(20), entry(10)));
    EXPECT_FALSE(allows_change(entry(21), entry(10)));  // 10.7, changed
    EXPECT_FALSE(allows_change(entry(21), with("")));   // 10.7, removed
    EXPECT_TRUE(allows_change(entry(20), with("")));
    EXPECT_FALSE(allows_change(with(""), entry(21)));   // 10.8, added
    EXPECT_FALSE(allows_change(entry(20), entry(21)));  // 10.8, changed
    EXPECT_TRUE(allows_change(with(""), entry(20)));
    EXPECT_TRUE(allows_change(entry(21), entry(21)));
  };
  check(events, ",");
  check(notifications, "");
}
TEST_P(LevelsRule, R10_9_And_10_ChangesUsersBelowOneself) {
  const auto users = [](std::string_view entry) {
    return std::string(own) + (entry.empty() ? "" : "," + std::string(entry));
  };
  const auto change = [&](std::string_view before, std::string_view after) {
    return allows_change("", users(before), "", users(after));
  };
  const auto with = [](int level) { return R"("@clerk:gims.internal":)" + std::to_string(level); };
  EXPECT_TRUE(change(with(19), with(20)));
  EXPECT_FALSE(change(with(20), with(19)));  // 10.9: an equal cannot be lowered
  EXPECT_FALSE(change(with(20), ""));
  EXPECT_TRUE(change(with(19), ""));
  EXPECT_FALSE(change("", with(21)));  // 10.10
  EXPECT_FALSE(change(with(10), with(21)));
  EXPECT_TRUE(change("", with(20)));
  EXPECT_TRUE(change(with(50), with(50)));
}
TEST_P(LevelsRule, R10_9_LetsOneLowerOneselfButNotRise) {
  const auto to = [&](int level) {
    return allows_change("", own, "", R"("@desk.officer:gims.internal":)" + std::to_string(level));
  };
  EXPECT_TRUE(to(10));
  EXPECT_FALSE(to(21));
  EXPECT_TRUE(allows_change("", own, "", ""));
}
}  // namespace
}  // namespace gims::matrix
