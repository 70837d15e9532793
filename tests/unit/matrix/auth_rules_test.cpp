// The rules for all events (spec: rooms/v10, v11, v12, "Authorization rules"): one test for each
// numbered rule, run for every room version. Names carry the numbers of version 12.
#include "unit/matrix/auth_fixture.hpp"

namespace gims::matrix {
namespace {

class GeneralRule : public AuthRule {};
INSTANTIATE_TEST_SUITE_P(AllVersions, GeneralRule, every_version(), version_name);

// --- 1: m.room.create

class CreateRule : public GeneralRule {
 protected:
  [[nodiscard]] bool allows_create(Draft draft) const {
    draft.type = "m.room.create";
    draft.state_key = "";
    if (draft.sender.empty()) draft.sender = creator;
    if (draft.room_id.empty() && !is_v12()) draft.room_id = "!new:gims.internal";
    const StateUnderTest nothing;
    const auto event = build_event(room_.version(), draft);
    return event && authorise(room_.version(), **event, nothing).has_value();
  }
};
INSTANTIATE_TEST_SUITE_P(AllVersions, CreateRule, every_version(), version_name);

constexpr std::string_view good_create = R"({"creator":"@joint.secretary:gims.internal"})";

TEST_P(CreateRule, R1_5_AllowsAPlainCreateEvent) {
  EXPECT_TRUE(allows_create({.content = good_create}));
}
TEST_P(CreateRule, R1_1_RefusesPreviousEvents) {
  const std::vector<std::string> previous{"$before"};
  EXPECT_FALSE(allows_create({.content = good_create, .prev_events = previous}));
}
TEST_P(CreateRule, R1_2_RefusesARoomIdOfAnotherServerOrAtAllFromVersion12) {
  EXPECT_FALSE(allows_create({.room_id = "!new:other.internal", .content = good_create}));
  EXPECT_EQ(allows_create({.room_id = "!new:gims.internal", .content = good_create}), !is_v12());
}
TEST_P(CreateRule, R1_3_RefusesAVersionThatIsNotKnown) {
  EXPECT_FALSE(allows_create(
      {.content = R"({"creator":"@joint.secretary:gims.internal","room_version":"99"})"}));
  EXPECT_FALSE(allows_create(
      {.content = R"({"creator":"@joint.secretary:gims.internal","room_version":10})"}));
  EXPECT_TRUE(allows_create(
      {.content = R"({"creator":"@joint.secretary:gims.internal","room_version":"10"})"}));
}
TEST_P(CreateRule, R1_4_WantsACreatorInVersion10Alone) {
  EXPECT_EQ(allows_create({.content = "{}"}), GetParam() != &room_version_10());
}
TEST_P(CreateRule, R1_4_ChecksAdditionalCreatorsFromVersion12) {
  for (const std::string_view list : {R"("@a:gims.internal")", "[1]", R"(["nobody"])", "{}"}) {
    const std::string content = R"({"creator":"@joint.secretary:gims.internal",)"
                                R"("additional_creators":)" +
                                std::string(list) + "}";
    EXPECT_EQ(allows_create({.content = content}), !is_v12()) << list;
  }
  EXPECT_TRUE(allows_create({.content = R"({"creator":"@joint.secretary:gims.internal",
                             "additional_creators":["@desk.officer:gims.internal"]})"}));
}

// --- 2: the room is the state's

TEST_P(GeneralRule, R2_RefusesEventsOfAnotherRoom) {
  const RoomUnderTest other(room_.version(),
                            R"({"creator":"@joint.secretary:gims.internal","other":1})");
  EventPtr event = other.make(officer, "m.room.message", std::nullopt, "{}");
  if (!is_v12()) {
    event = room_.build(
        {.room_id = "!elsewhere:gims.internal", .type = "m.room.message", .sender = officer});
  }
  EXPECT_FALSE(allows(event));
  EXPECT_TRUE(allows_message(officer));
}
TEST_P(GeneralRule, R2_RefusesEventsWhereThereIsNoRoom) {
  room_.state().remove("m.room.create", "");
  EXPECT_FALSE(allows_message(officer));
}

// --- 4: m.federate

TEST_P(GeneralRule, R4_KeepsOtherServersOutOfARoomThatIsNotFederated) {
  RoomUnderTest closed(room_.version(), R"({"creator":"@joint.secretary:gims.internal",
                                        "m.federate":false})");
  closed.set_join_rule("public");
  closed.set_member(officer, "join");
  const auto allowed = [&](std::string_view user) {
    return authorise(closed.version(), *closed.member(user, user, "join"), closed.state())
        .has_value();
  };
  EXPECT_FALSE(allowed(stranger));
  EXPECT_TRUE(allowed(clerk));
  room_.set_join_rule("public");
  EXPECT_TRUE(allows_member(stranger, stranger, "join"));
}

// --- 6 to 9

TEST_P(GeneralRule, R6_LetsOnlyMembersSend) {
  for (const auto& [membership, allowed] : {std::pair{"join", true},
                                            {"leave", false},
                                            {"invite", false},
                                            {"ban", false},
                                            {"knock", false}}) {
    room_.set_member(clerk, membership);
    EXPECT_EQ(allows_message(clerk), allowed) << membership;
  }
  EXPECT_FALSE(allows_message(stranger));
}
TEST_P(GeneralRule, R7_WantsTheInviteLevelForThirdPartyInvites) {
  const auto invites = [&](int level) {
    set_levels(R"("state_default":100,"invite":)" + std::to_string(level),
               R"("@desk.officer:gims.internal":20)");
    return allows(room_.make(officer, "m.room.third_party_invite", "t", "{}"));
  };
  EXPECT_TRUE(invites(20));
  EXPECT_FALSE(invites(21));
}
TEST_P(GeneralRule, R8_WantsTheLevelOfTheEventsType) {
  const auto sends = [&](std::string_view type, std::optional<std::string_view> key) {
    return allows(room_.make(officer, type, key, "{}"));
  };
  EXPECT_TRUE(sends("m.room.message", std::nullopt));
  EXPECT_FALSE(sends("m.room.name", ""));
  set_levels(
      R"("events":{"m.room.name":20,"m.room.topic":21,"m.room.message":21},"state_default":0)",
      R"("@desk.officer:gims.internal":20)");
  EXPECT_TRUE(sends("m.room.name", ""));
  EXPECT_FALSE(sends("m.room.topic", ""));
  EXPECT_FALSE(sends("m.room.message", std::nullopt));
  EXPECT_TRUE(sends("m.room.avatar", ""));
  set_levels(R"("events_default":21,"state_default":20)", R"("@desk.officer:gims.internal":20)");
  EXPECT_FALSE(sends("m.room.message", std::nullopt));
  EXPECT_TRUE(sends("m.room.name", ""));
}
TEST_P(GeneralRule, R8_HoldsForRedactionsAsForAllEvents) {
  set_levels(R"("redact":100)", "");
  EXPECT_TRUE(allows(room_.make(officer, "m.room.redaction", std::nullopt, "{}")));
  set_levels(R"("events":{"m.room.redaction":1})", "");
  EXPECT_FALSE(allows(room_.make(officer, "m.room.redaction", std::nullopt, "{}")));
}
TEST_P(GeneralRule, R9_KeepsStateOfAUserToThatUser) {
  set_levels(R"("state_default":0)", "");
  EXPECT_TRUE(allows(room_.make(officer, "m.note", officer, "{}")));
  EXPECT_FALSE(allows(room_.make(officer, "m.note", creator, "{}")));
  EXPECT_TRUE(allows(room_.make(officer, "m.note", "plain", "{}")));
}

TEST_P(GeneralRule, R11_AllowsTheRest) { EXPECT_TRUE(allows_message(officer)); }

TEST_P(GeneralRule, RefusalsNameTheReason) {
  const auto refused = authorise(
      room_.version(), *room_.make(stranger, "m.room.message", std::nullopt, "{}"), room_.state());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
  EXPECT_EQ(refused.error().code, "M_FORBIDDEN");
  EXPECT_EQ(refused.error().text, "You are not a member of the room.");
}

// --- Handling redactions (rooms/v3) and the client-server API's rule

TEST_P(GeneralRule, RedactionsWantTheRedactLevelOrTheSameServer) {
  const EventPtr of_officer = room_.make(officer, "m.room.message", std::nullopt, "{}");
  const EventPtr of_stranger = room_.make(stranger, "m.room.message", std::nullopt, "{}");
  const EventPtr redaction = room_.make(clerk, "m.room.redaction", std::nullopt, "{}");
  EXPECT_TRUE(redaction_applies(*redaction, *of_officer, room_.state()));
  EXPECT_FALSE(redaction_applies(*redaction, *of_stranger, room_.state()));
  const EventPtr by_creator = room_.make(creator, "m.room.redaction", std::nullopt, "{}");
  EXPECT_TRUE(redaction_applies(*by_creator, *of_stranger, room_.state()));

  EXPECT_TRUE(may_redact(officer, *of_officer, room_.state()));
  EXPECT_FALSE(may_redact(clerk, *of_officer, room_.state()));
  EXPECT_TRUE(may_redact(creator, *of_officer, room_.state()));
  set_levels(R"("redact":20)", R"("@desk.officer:gims.internal":20)");
  EXPECT_TRUE(may_redact(officer, *of_stranger, room_.state()));
}
}  // namespace
}  // namespace gims::matrix
