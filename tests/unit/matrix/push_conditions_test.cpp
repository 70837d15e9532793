// Each condition (spec: client-server API, "Push Rules", "Conditions") by a rule that has it alone.
#include <gtest/gtest.h>

#include <string>

#include "matrix/push_rules.hpp"
#include "support/room_under_test.hpp"

namespace gims::matrix {
namespace {

constexpr std::string_view officer = "@desk.officer:gims.internal";

class PushConditions : public testing::Test {
 protected:
  PushConditions() : room_(room_version_11()) {}

  // Whether an override rule with the conditions matches the event.
  bool matches(std::string_view conditions, const EventPtr& event,
               const RoomContext& context = {}) {
    RuleSet set = RuleSet::defaults(officer);
    const auto body = json::Document::parse(R"({"actions":[{"set_tweak":"sound","value":"mark"}],)"
                                            R"("conditions":[)" +
                                            std::string(conditions) + "]}");
    EXPECT_TRUE(body);
    const auto put = set.put(RuleKind::override_, "rule", body->root());
    EXPECT_TRUE(put) << put.error().text;
    return set.evaluate(*event, context).sound == "mark";
  }
  [[nodiscard]] EventPtr message(std::string_view content) const {
    return room_.make(RoomUnderTest::creator, "m.test", std::nullopt, content);
  }
  RoomUnderTest room_;
};

constexpr std::string_view body_is_example =
    R"({"kind":"event_match","key":"content.body","pattern":"ex*ple"})";

TEST_F(PushConditions, EventMatch) {
  const std::string_view topic =
      R"({"kind":"event_match","key":"content.topic","pattern":"lunc?*"})";
  EXPECT_TRUE(matches(topic, message(R"({"topic":"Lunch plans"})")));
  EXPECT_FALSE(matches(topic, message(R"({"topic":" lunch"})")));
  EXPECT_FALSE(matches(topic, message(R"({"topic":null})")));
  EXPECT_FALSE(matches(topic, message("{}")));
  EXPECT_TRUE(matches(body_is_example, message(R"({"body":"An example event."})")));
  EXPECT_FALSE(matches(body_is_example, message(R"({"body":"counterexamples"})")));
}

TEST_F(PushConditions, EventMatchSeesTheClientsEvent) {
  const EventPtr event = message("{}");
  const auto match = [&](std::string_view key, std::string_view pattern) {
    return matches(R"({"kind":"event_match","key":")" + std::string(key) + R"(","pattern":")" +
                       std::string(pattern) + R"("})",
                   event);
  };
  EXPECT_TRUE(match("type", "m.*"));
  EXPECT_TRUE(match("sender", RoomUnderTest::creator));
  EXPECT_TRUE(match("room_id", event->room_id()));
  EXPECT_FALSE(match("state_key", "*"));  // absent, so not even * matches
}

TEST_F(PushConditions, EventPropertyIs) {
  const auto is = [&](std::string_view value, std::string_view content) {
    return matches(R"({"kind":"event_property_is","key":"content.m\\.federate","value":)" +
                       std::string(value) + "}",
                   message(content));
  };
  EXPECT_TRUE(is("true", R"({"m.federate":true})"));
  EXPECT_FALSE(is("true", R"({"m.federate":"true"})"));
  EXPECT_FALSE(is("true", R"({"m.federate":1})"));
  EXPECT_FALSE(is("true", R"({"m":{"federate":true}})"));
  EXPECT_FALSE(is("true", "{}"));
  EXPECT_TRUE(is("1", R"({"m.federate":1})"));
  EXPECT_TRUE(is("null", R"({"m.federate":null})"));
  EXPECT_FALSE(is("null", "{}"));
  EXPECT_TRUE(is("\"x\"", R"({"m.federate":"x"})"));
  EXPECT_FALSE(is("\"x\"", R"({"m.federate":"X"})"));
  EXPECT_FALSE(is("[]", R"({"m.federate":[]})"));
}

TEST_F(PushConditions, EventPropertyContains) {
  const auto contains = [&](std::string_view value, std::string_view list) {
    return matches(R"({"kind":"event_property_contains","key":"content.alt_aliases","value":)" +
                       std::string(value) + "}",
                   message(R"({"alt_aliases":)" + std::string(list) + "}"));
  };
  const std::string_view two = R"(["#somewhere:example.org","#myroom:example.com"])";
  EXPECT_TRUE(contains(R"("#myroom:example.com")", two));
  EXPECT_FALSE(contains(R"(":example.com")", two));
  EXPECT_FALSE(contains(R"("#myroom:example.com")", R"("#myroom:example.com")"));
  EXPECT_TRUE(contains("1", "[{},1]"));
  EXPECT_FALSE(contains("1", "[true,\"1\"]"));
}

TEST_F(PushConditions, ContainsDisplayName) {
  const std::string_view condition = R"({"kind":"contains_display_name"})";
  const auto named = [&](std::string_view body, std::string_view name) {
    return matches(condition, message(R"({"body":")" + std::string(body) + R"("})"),
                   {.display_name = name});
  };
  EXPECT_TRUE(named("please ask Asha Rao today", "asha rao"));
  EXPECT_FALSE(named("please ask AshaRao", "Asha"));
  EXPECT_FALSE(named("anything", ""));
  EXPECT_TRUE(named("ask आशा जी", "आशा"));
  EXPECT_FALSE(named("ab", "a*"));  // a name is no pattern
  EXPECT_TRUE(named("by a* again", "a*"));
}

TEST_F(PushConditions, RoomMemberCount) {
  const auto count = [&](std::string_view is, std::int64_t members) {
    return matches(R"({"kind":"room_member_count","is":")" + std::string(is) + R"("})",
                   message("{}"), {.joined_members = members});
  };
  EXPECT_TRUE(count("2", 2));
  EXPECT_FALSE(count("2", 3));
  EXPECT_TRUE(count("==2", 2));
  EXPECT_TRUE(count("<10", 9));
  EXPECT_FALSE(count("<10", 10));
  EXPECT_TRUE(count("<=10", 10));
  EXPECT_TRUE(count(">10", 11));
  EXPECT_FALSE(count(">10", 10));
  EXPECT_TRUE(count(">=10", 10));
  for (const std::string_view is : {"", "=2", "two", "2x", "<", "-2", "< 2"}) {
    EXPECT_FALSE(count(is, 2)) << is;
  }
}

TEST_F(PushConditions, SenderNotificationPermission) {
  const auto may = [&](std::string_view key, std::int64_t level) {
    const auto levels = json::Document::parse(R"({"notifications":{"room":20,"other":30}})");
    return matches(
        R"({"kind":"sender_notification_permission","key":")" + std::string(key) + R"("})",
        message("{}"),
        {.sender_level = level, .room_notification_level = 20, .power_levels = levels->root()});
  };
  EXPECT_TRUE(may("room", 20));
  EXPECT_FALSE(may("room", 19));
  EXPECT_TRUE(may("other", 30));
  EXPECT_FALSE(may("other", 29));
  EXPECT_TRUE(may("unknown", 50));
  EXPECT_FALSE(may("unknown", 49));
}

TEST_F(PushConditions, ThatAreNotKnownNeverMatch) {
  EXPECT_FALSE(matches(R"({"kind":"org.example.new"})", message("{}")));
  EXPECT_FALSE(matches(R"({"kind":"event_match","key":"type"})", message("{}")));
  EXPECT_FALSE(matches(R"({"kind":"device","profile_tag":"x"})", message("{}")));
}

TEST_F(PushConditions, MustAllHold) {
  const std::string two =
      std::string(body_is_example) + R"(,{"kind":"room_member_count","is":"2"})";
  const EventPtr event = message(R"({"body":"example"})");
  EXPECT_TRUE(matches(two, event, {.joined_members = 2}));
  EXPECT_FALSE(matches(two, event, {.joined_members = 3}));
  EXPECT_TRUE(matches("", event));
}

}  // namespace
}  // namespace gims::matrix
