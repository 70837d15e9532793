#include "matrix/push_rules.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/room_under_test.hpp"

namespace gims::matrix {
namespace {

constexpr std::string_view creator = RoomUnderTest::creator;
constexpr std::string_view officer = "@desk.officer:gims.internal";

std::vector<std::string> ids_of(const RuleSet& set, std::string_view kind) {
  const auto document = json::Document::parse(set.global_json());
  std::vector<std::string> ids;
  for (const json::Value rule : document->root().get(kind).array()) {
    ids.emplace_back(rule.get("rule_id").string_or("?"));
  }
  return ids;
}

Result<void> put(RuleSet& set, RuleKind kind, std::string_view id, std::string_view body,
                 std::optional<std::string_view> before = std::nullopt,
                 std::optional<std::string_view> after = std::nullopt) {
  const auto document = json::Document::parse(body);
  EXPECT_TRUE(document) << body;
  return set.put(kind, id, document->root(), before, after);
}

std::string code_of(const Result<void>& result) { return result ? "" : result.error().code; }

using Ids = std::vector<std::string>;

// Spec: client-server API, "Predefined Rules".
TEST(PushDefaults, AreThoseOfTheSpecInItsOrder) {
  const RuleSet set = RuleSet::defaults(officer);
  EXPECT_EQ(ids_of(set, "override"),
            (Ids{".m.rule.master", ".m.rule.suppress_notices", ".m.rule.invite_for_me",
                 ".m.rule.member_event", ".m.rule.is_user_mention", ".m.rule.contains_display_name",
                 ".m.rule.is_room_mention", ".m.rule.roomnotif", ".m.rule.tombstone",
                 ".m.rule.reaction", ".m.rule.room.server_acl", ".m.rule.suppress_edits"}));
  EXPECT_EQ(ids_of(set, "content"), Ids{".m.rule.contains_user_name"});
  EXPECT_EQ(ids_of(set, "underride"),
            (Ids{".m.rule.call", ".m.rule.encrypted_room_one_to_one", ".m.rule.room_one_to_one",
                 ".m.rule.message", ".m.rule.encrypted"}));
  EXPECT_TRUE(ids_of(set, "room").empty());
  EXPECT_TRUE(ids_of(set, "sender").empty());
}

void expect_rule(RuleKind kind, std::string_view id, std::string_view definition) {
  const auto text = RuleSet::defaults(officer).rule_json(kind, id);
  ASSERT_TRUE(text) << id;
  const auto rule = json::Document::parse(*text);
  const auto expected = json::Document::parse(definition);
  ASSERT_TRUE(expected) << id;
  EXPECT_TRUE(rule->root().equals(expected->root())) << *text;
}

TEST(PushDefaults, HaveTheDefinitionsOfTheSpec) {
  expect_rule(RuleKind::override_, ".m.rule.master",
              R"({"rule_id":".m.rule.master","default":true,"enabled":false,"conditions":[],
              "actions":[]})");
  expect_rule(RuleKind::override_, ".m.rule.invite_for_me",
              R"({"rule_id":".m.rule.invite_for_me","default":true,"enabled":true,"conditions":[
              {"key":"type","kind":"event_match","pattern":"m.room.member"},
              {"key":"content.membership","kind":"event_match","pattern":"invite"},
              {"key":"state_key","kind":"event_match","pattern":"@desk.officer:gims.internal"}],
              "actions":["notify",{"set_tweak":"sound","value":"default"}]})");
  expect_rule(RuleKind::override_, ".m.rule.is_user_mention",
              R"({"rule_id":".m.rule.is_user_mention","default":true,"enabled":true,"conditions":[
              {"kind":"event_property_contains","key":"content.m\\.mentions.user_ids",
              "value":"@desk.officer:gims.internal"}],"actions":["notify",
              {"set_tweak":"sound","value":"default"},{"set_tweak":"highlight"}]})");
  expect_rule(RuleKind::override_, ".m.rule.is_room_mention",
              R"({"rule_id":".m.rule.is_room_mention","default":true,"enabled":true,"conditions":[
              {"kind":"event_property_is","key":"content.m\\.mentions.room","value":true},
              {"kind":"sender_notification_permission","key":"room"}],"actions":["notify",
              {"set_tweak":"highlight"}]})");
  expect_rule(RuleKind::override_, ".m.rule.suppress_edits",
              R"({"rule_id":".m.rule.suppress_edits","default":true,"enabled":true,"conditions":[
              {"kind":"event_property_is","key":"content.m\\.relates_to.rel_type",
              "value":"m.replace"}],"actions":[]})");
  expect_rule(RuleKind::content, ".m.rule.contains_user_name",
              R"({"rule_id":".m.rule.contains_user_name","default":true,"enabled":true,
              "pattern":"desk.officer","actions":["notify",{"set_tweak":"sound",
              "value":"default"},{"set_tweak":"highlight"}]})");
  expect_rule(RuleKind::underride, ".m.rule.encrypted_room_one_to_one",
              R"({"rule_id":".m.rule.encrypted_room_one_to_one","default":true,"enabled":true,
              "conditions":[{"kind":"room_member_count","is":"2"},
              {"kind":"event_match","key":"type","pattern":"m.room.encrypted"}],
              "actions":["notify",{"set_tweak":"sound","value":"default"}]})");
}

class PushEvaluation : public testing::Test {
 protected:
  PushEvaluation() : room_(room_version_12()), set_(RuleSet::defaults(officer)) {}
  [[nodiscard]] PushResult evaluate(std::string_view type, std::string_view content,
                                    std::optional<std::string_view> state_key = std::nullopt,
                                    const RoomContext& context = {.joined_members = 5}) {
    event_ = room_.make(creator, type, state_key, content);
    return set_.evaluate(*event_, context);
  }
  RoomUnderTest room_;
  RuleSet set_;
  EventPtr event_;
};

TEST_F(PushEvaluation, NotifiesOfMessages) {
  const PushResult plain = evaluate("m.room.message", R"({"body":"hello"})");
  EXPECT_TRUE(plain.notify);
  EXPECT_FALSE(plain.highlight);
  EXPECT_EQ(plain.sound, "");
  EXPECT_EQ(plain.actions_json, R"(["notify"])");
  EXPECT_TRUE(evaluate("m.room.encrypted", "{}").notify);
  EXPECT_EQ(evaluate("m.room.encrypted", "{}").sound, "");
  EXPECT_EQ(evaluate("m.room.encrypted", "{}", std::nullopt, {.joined_members = 2}).sound,
            "default");
  EXPECT_EQ(evaluate("m.room.message", "{}", std::nullopt, {.joined_members = 2}).sound, "default");
  EXPECT_EQ(evaluate("m.call.invite", "{}").sound, "ring");
}

TEST_F(PushEvaluation, IsSilentWhereTheSpecIs) {
  EXPECT_FALSE(evaluate("m.room.message", R"({"msgtype":"m.notice","body":"x"})").notify);
  EXPECT_FALSE(evaluate("m.room.member", R"({"membership":"join"})", creator).notify);
  EXPECT_FALSE(evaluate("m.reaction", "{}").notify);
  EXPECT_FALSE(evaluate("m.room.server_acl", "{}", "").notify);
  EXPECT_FALSE(evaluate("m.room.message", R"({"m.relates_to":{"rel_type":"m.replace"}})").notify);
  EXPECT_FALSE(evaluate("m.room.name", "{}", "").notify);
  EXPECT_EQ(evaluate("m.room.name", "{}", "").actions_json, "");
}

TEST_F(PushEvaluation, HighlightsMentions) {
  EXPECT_TRUE(
      evaluate("m.room.message", R"({"m.mentions":{"user_ids":["@desk.officer:gims.internal"]}})")
          .highlight);
  const std::string_view of_room = R"({"m.mentions":{"room":true}})";
  EXPECT_FALSE(evaluate("m.room.message", of_room, std::nullopt, {.sender_level = 49}).highlight);
  EXPECT_TRUE(evaluate("m.room.message", of_room, std::nullopt, {.sender_level = 50}).highlight);
  EXPECT_TRUE(evaluate("m.room.tombstone", "{}", "").highlight);
  EXPECT_FALSE(evaluate("m.room.tombstone", "{}", "x").highlight);
}

TEST_F(PushEvaluation, NotifiesOfInvitationsToOneself) {
  const PushResult own = evaluate("m.room.member", R"({"membership":"invite"})", officer);
  EXPECT_TRUE(own.notify);
  EXPECT_EQ(own.sound, "default");
  EXPECT_FALSE(evaluate("m.room.member", R"({"membership":"invite"})", creator).notify);
}

// Spec v1.7: the older rules are off for events that have m.mentions.
TEST_F(PushEvaluation, ReadsNamesOnlyWithoutMentions) {
  const RoomContext named{.joined_members = 5, .display_name = "Asha", .sender_level = 100};
  const auto highlights = [&](std::string_view content) {
    return evaluate("m.room.message", content, std::nullopt, named).highlight;
  };
  EXPECT_TRUE(highlights(R"({"body":"ask Asha"})"));
  EXPECT_TRUE(highlights(R"({"body":"ask desk.officer"})"));
  EXPECT_TRUE(highlights(R"({"body":"dear @room"})"));
  EXPECT_FALSE(highlights(R"({"body":"ask Asha, desk.officer, @room","m.mentions":{}})"));
}

TEST_F(PushEvaluation, AsksTheKindsInOrder) {
  const std::string room_id(room_.create()->room_id());
  const auto sound_after = [&](RuleKind kind, std::string_view id, std::string_view more) {
    EXPECT_TRUE(put(set_, kind, id,
                    R"({"actions":["notify",{"set_tweak":"sound","value":")" +
                        std::string(name_of(kind)) + R"("}])" + std::string(more) + "}"));
    return std::string(evaluate("m.room.message", R"({"body":"budget"})").sound);
  };
  EXPECT_EQ(sound_after(RuleKind::underride, "all", ""), "underride");
  EXPECT_EQ(sound_after(RuleKind::sender, creator, ""), "sender");
  EXPECT_EQ(sound_after(RuleKind::room, room_id, ""), "room");
  EXPECT_EQ(sound_after(RuleKind::content, "word", R"(,"pattern":"budget")"), "content");
  EXPECT_EQ(sound_after(RuleKind::override_, "all", ""), "override");
  EXPECT_TRUE(set_.set_enabled(RuleKind::override_, ".m.rule.master", true));
  EXPECT_FALSE(evaluate("m.room.message", R"({"body":"budget"})").notify);
}

TEST_F(PushEvaluation, PassesOverRulesOfOtherRoomsAndSenders) {
  EXPECT_TRUE(put(set_, RuleKind::room, "!other:gims.internal", R"({"actions":[]})"));
  EXPECT_TRUE(put(set_, RuleKind::sender, officer, R"({"actions":[]})"));
  EXPECT_TRUE(evaluate("m.room.message", "{}").notify);
}

TEST(PushRules, AreAddedBeforeTheDefaultsMostImportantFirst) {
  RuleSet set = RuleSet::defaults(officer);
  const std::string_view body = R"({"actions":["notify"]})";
  EXPECT_TRUE(put(set, RuleKind::sender, "one", body));
  EXPECT_TRUE(put(set, RuleKind::sender, "two", body));
  EXPECT_EQ(ids_of(set, "sender"), (Ids{"two", "one"}));
  EXPECT_TRUE(put(set, RuleKind::sender, "three", body, "one"));
  EXPECT_EQ(ids_of(set, "sender"), (Ids{"two", "three", "one"}));
  EXPECT_TRUE(put(set, RuleKind::sender, "four", body, std::nullopt, "two"));
  EXPECT_EQ(ids_of(set, "sender"), (Ids{"two", "four", "three", "one"}));
  // Both: next to `before`.
  EXPECT_TRUE(put(set, RuleKind::sender, "five", body, "one", "two"));
  EXPECT_EQ(ids_of(set, "sender"), (Ids{"two", "four", "three", "five", "one"}));
  // A rule that is there moves where asked, and stays where not.
  EXPECT_TRUE(put(set, RuleKind::sender, "two", body, std::nullopt, "one"));
  EXPECT_EQ(ids_of(set, "sender"), (Ids{"four", "three", "five", "one", "two"}));
  EXPECT_TRUE(put(set, RuleKind::sender, "one", body, "four"));
  EXPECT_EQ(ids_of(set, "sender"), (Ids{"one", "four", "three", "five", "two"}));
  EXPECT_TRUE(put(set, RuleKind::sender, "three", body));
  EXPECT_TRUE(put(set, RuleKind::sender, "three", body, "three"));
  EXPECT_EQ(ids_of(set, "sender"), (Ids{"one", "four", "three", "five", "two"}));

  EXPECT_TRUE(put(set, RuleKind::override_, "mine", body));
  const Ids overrides = ids_of(set, "override");
  EXPECT_EQ(overrides[0], ".m.rule.master");
  EXPECT_EQ(overrides[1], "mine");
}

TEST(PushRules, AreRefusedWhereTheyAreMalformed) {
  RuleSet set = RuleSet::defaults(officer);
  const std::string before = set.json();
  const std::string_view body = R"({"actions":[]})";
  for (const std::string_view id : {"", ".m.rule.own", "a/b", "a\\b", "\xff"}) {
    EXPECT_EQ(code_of(put(set, RuleKind::override_, id, body)), "M_INVALID_PARAM") << id;
  }
  EXPECT_EQ(code_of(put(set, RuleKind::override_, "x", body, "absent")), "M_UNKNOWN");
  EXPECT_EQ(code_of(put(set, RuleKind::override_, "x", body, ".m.rule.master")), "M_UNKNOWN");
  EXPECT_EQ(code_of(put(set, RuleKind::override_, "x", body, "x")), "M_UNKNOWN");
  EXPECT_EQ(code_of(put(set, RuleKind::override_, "x", "{}")), "M_MISSING_PARAM");
  EXPECT_EQ(code_of(put(set, RuleKind::override_, "x", "[]")), "M_BAD_JSON");
  EXPECT_EQ(code_of(put(set, RuleKind::override_, "x", R"({"actions":{}})")), "M_BAD_JSON");
  EXPECT_EQ(code_of(put(set, RuleKind::override_, "x", R"({"actions":["dance"]})")),
            "M_INVALID_PARAM");
  EXPECT_EQ(code_of(put(set, RuleKind::override_, "x", R"({"actions":[{}]})")), "M_MISSING_PARAM");
  EXPECT_EQ(code_of(put(set, RuleKind::override_, "x", R"({"actions":[],"conditions":[1]})")),
            "M_BAD_JSON");
  EXPECT_EQ(code_of(put(set, RuleKind::content, "x", body)), "M_MISSING_PARAM");
  const std::string long_pattern = R"({"actions":[],"pattern":")" + std::string(257, 'x') + "\"}";
  EXPECT_EQ(code_of(put(set, RuleKind::content, "x", long_pattern)), "M_INVALID_PARAM");
  EXPECT_EQ(set.json(), before);
}

TEST(PushRules, AreLimitedInSize) {
  RuleSet set = RuleSet::defaults(officer);
  const std::string before = set.json();
  const std::string frame = R"({"actions":[],"note":""})";
  const auto of_size = [&](std::size_t size) {
    return R"({"actions":[],"note":")" + std::string(size - frame.size(), 'x') + R"("})";
  };
  const auto refused = put(set, RuleKind::sender, "x", of_size(max_rule_bytes + 1));
  EXPECT_EQ(code_of(refused), "M_TOO_LARGE");
  EXPECT_EQ(refused.error().kind, ErrorKind::too_large);
  EXPECT_EQ(set.json(), before);
  EXPECT_EQ(code_of(put(set, RuleKind::sender, "x", of_size(max_rule_bytes))), "");
}

TEST(PushRules, AreLimitedInNumber) {
  RuleSet set = RuleSet::defaults(officer);
  for (std::size_t i = 0; i < max_rules_of_user; ++i) {
    ASSERT_TRUE(put(set, RuleKind::sender, "r" + std::to_string(i), R"({"actions":[]})"));
  }
  EXPECT_EQ(code_of(put(set, RuleKind::room, "x", R"({"actions":[]})")),
            "M_RESOURCE_LIMIT_EXCEEDED");
  EXPECT_EQ(code_of(put(set, RuleKind::sender, "r0", R"({"actions":["notify"]})")), "");
}

TEST(PushRules, AreEnabledWhenMadeAndStayAsTheyWere) {
  RuleSet set = RuleSet::defaults(officer);
  EXPECT_TRUE(put(set, RuleKind::sender, "x", R"({"actions":[]})"));
  EXPECT_EQ(set.enabled_json(RuleKind::sender, "x").value(), R"({"enabled":true})");
  EXPECT_TRUE(set.set_enabled(RuleKind::sender, "x", false));
  EXPECT_TRUE(put(set, RuleKind::sender, "x", R"({"actions":["notify"]})"));
  EXPECT_EQ(set.enabled_json(RuleKind::sender, "x").value(), R"({"enabled":false})");
  EXPECT_EQ(set.actions_json(RuleKind::sender, "x").value(), R"({"actions":["notify"]})");
}

TEST(PushRules, ThatAreNotThereAreNotFound) {
  RuleSet set = RuleSet::defaults(officer);
  const auto actions = json::Document::parse("[]");
  EXPECT_EQ(set.rule_json(RuleKind::room, "x").error().code, "M_NOT_FOUND");
  EXPECT_EQ(set.enabled_json(RuleKind::room, "x").error().code, "M_NOT_FOUND");
  EXPECT_EQ(set.actions_json(RuleKind::room, "x").error().code, "M_NOT_FOUND");
  EXPECT_EQ(code_of(set.set_enabled(RuleKind::room, "x", true)), "M_NOT_FOUND");
  EXPECT_EQ(code_of(set.set_actions(RuleKind::room, "x", actions->root())), "M_NOT_FOUND");
  EXPECT_EQ(code_of(set.remove(RuleKind::room, "x")), "M_NOT_FOUND");
  EXPECT_EQ(code_of(set.remove(RuleKind::override_, ".m.rule.master")), "M_NOT_FOUND");
}

// Spec: "Actions": dont_notify and coalesce are of older versions and mean nothing. A client that
// wrote them finds what it wrote.
TEST(PushRules, KeepHistoricalActionsAndDoNothingForThem) {
  RuleSet set = RuleSet::defaults(officer);
  constexpr std::string_view both = R"({"actions":["dont_notify","coalesce"]})";
  EXPECT_TRUE(put(set, RuleKind::sender, creator, both));
  EXPECT_EQ(set.actions_json(RuleKind::sender, creator).value(), both);
  const RuleSet again = RuleSet::load(officer, set.stored()).value();
  EXPECT_EQ(again.actions_json(RuleKind::sender, creator).value(), both);
  const RoomUnderTest room(room_version_12());
  const EventPtr event = room.make(creator, "m.room.message", std::nullopt, R"({"body":"hello"})");
  EXPECT_TRUE(RuleSet::defaults(officer).evaluate(*event, {}).notify);
  EXPECT_FALSE(again.evaluate(*event, {}).notify);
  EXPECT_TRUE(put(set, RuleKind::sender, creator, R"({"actions":["notify","dont_notify"]})"));
  EXPECT_TRUE(set.evaluate(*event, {}).notify);
}

TEST(PushRules, FollowARoomToItsReplacement) {
  constexpr std::string_view old = "!old:gims.internal";
  constexpr std::string_view next = "!next:gims.internal";
  RuleSet set = RuleSet::defaults(officer);
  EXPECT_TRUE(put(set, RuleKind::room, "!z:gims.internal", R"({"actions":["notify"]})"));
  EXPECT_TRUE(put(set, RuleKind::room, old, R"({"actions":["dont_notify"]})"));
  EXPECT_TRUE(set.set_enabled(RuleKind::room, old, false));
  EXPECT_TRUE(put(set, RuleKind::override_, old,
                  R"({"actions":[],"conditions":[{"kind":"event_match","key":"room_id",
                  "pattern":"!old:gims.internal"},{"kind":"event_match","key":"type",
                  "pattern":"m.room.message"}]})"));
  EXPECT_TRUE(put(set, RuleKind::underride, "x",
                  R"({"actions":[],"conditions":[{"kind":"event_match","key":"type",
                  "pattern":"!old:gims.internal"}]})"));
  set.follow_room(old, next);
  EXPECT_EQ(ids_of(set, "room"), (Ids{std::string(old), std::string(next), "!z:gims.internal"}));
  EXPECT_EQ(set.actions_json(RuleKind::room, next).value(), R"({"actions":["dont_notify"]})");
  EXPECT_EQ(set.enabled_json(RuleKind::room, next).value(), R"({"enabled":false})");
  EXPECT_EQ(set.rule_json(RuleKind::override_, next).value(),
            R"({"actions":[],"conditions":[{"key":"room_id","kind":"event_match",)"
            R"("pattern":"!next:gims.internal"},{"kind":"event_match","key":"type",)"
            R"("pattern":"m.room.message"}],"default":false,"enabled":true,)"
            R"("rule_id":"!next:gims.internal"})");
  EXPECT_FALSE(set.rule_json(RuleKind::underride, next)) << "of no room";
  const std::string once = set.stored();
  set.follow_room(old, next);
  EXPECT_EQ(set.stored(), once);
  EXPECT_EQ(RuleSet::load(officer, once).value().stored(), once);
}

TEST(PushRules, ComeBackFromTheStore) {
  RuleSet set = RuleSet::defaults(officer);
  EXPECT_TRUE(put(set, RuleKind::override_, "a",
                  R"({"actions":["notify"],"conditions":[{"kind":"room_member_count","is":"<=10"},
                  {"kind":"org.example.new","x":1}]})"));
  EXPECT_TRUE(put(set, RuleKind::content, "b", R"({"actions":[],"pattern":"cake*lie"})"));
  EXPECT_TRUE(put(set, RuleKind::content, "c", R"({"actions":[],"pattern":"tea"})"));
  EXPECT_TRUE(set.set_enabled(RuleKind::content, "b", false));
  EXPECT_TRUE(set.set_enabled(RuleKind::override_, ".m.rule.master", true));
  const auto actions = json::Document::parse(R"(["notify"])");
  EXPECT_TRUE(set.set_actions(RuleKind::underride, ".m.rule.call", actions->root()));
  const RuleSet again = RuleSet::load(officer, set.stored()).value();
  EXPECT_EQ(again.json(), set.json());
  EXPECT_EQ(again.stored(), set.stored());
  EXPECT_EQ(RuleSet::load(officer, "{}").value().json(), RuleSet::defaults(officer).json());
  EXPECT_TRUE(RuleSet::load(officer, R"({"changed":[{"kind":"override","rule_id":".gone"}]})"));
  EXPECT_FALSE(RuleSet::load(officer, "{"));
}

TEST(PushRules, HaveKindsByName) {
  for (const std::string_view name : {"override", "content", "room", "sender", "underride"}) {
    EXPECT_EQ(name_of(*parse_rule_kind(name)), name);
  }
  EXPECT_FALSE(parse_rule_kind("device"));
}

}  // namespace
}  // namespace gims::matrix
