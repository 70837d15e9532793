// Spec: server-server API, "Auth events selection".
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "matrix/auth_rules.hpp"
#include "support/room_under_test.hpp"

namespace gims::matrix {
namespace {

constexpr std::string_view creator = RoomUnderTest::creator;
constexpr std::string_view officer = "@desk.officer:gims.internal";

std::vector<StateKey> keys_of(const RoomVersion& version, std::string_view type,
                              std::optional<std::string_view> state_key, std::string_view content) {
  const auto document = json::Document::parse(content);
  return auth_state_keys(version, type, officer, state_key, document->root());
}

const StateKey create{"m.room.create", ""};
const StateKey levels{"m.room.power_levels", ""};
const StateKey rules{"m.room.join_rules", ""};
const StateKey sender{"m.room.member", std::string(officer)};
const StateKey target{"m.room.member", std::string(creator)};
using Keys = std::vector<StateKey>;

TEST(AuthSelection, OfAMessage) {
  EXPECT_EQ(keys_of(room_version_10(), "m.room.message", std::nullopt, "{}"),
            (Keys{create, levels, sender}));
  EXPECT_EQ(keys_of(room_version_11(), "m.room.name", "", "{}"), (Keys{create, levels, sender}));
  EXPECT_EQ(keys_of(room_version_12(), "m.room.message", std::nullopt, "{}"),
            (Keys{levels, sender}));
}

TEST(AuthSelection, OfACreateEventIsEmpty) {
  for (const RoomVersion& version : room_versions()) {
    EXPECT_TRUE(keys_of(version, "m.room.create", "", "{}").empty());
  }
}

TEST(AuthSelection, OfMemberships) {
  const RoomVersion& version = room_version_12();
  const auto of = [&](std::string_view key, std::string_view content) {
    return keys_of(version, "m.room.member", key, content);
  };
  EXPECT_EQ(of(officer, R"({"membership":"join"})"), (Keys{levels, sender, rules}));
  EXPECT_EQ(of(officer, R"({"membership":"knock"})"), (Keys{levels, sender, rules}));
  EXPECT_EQ(of(officer, R"({"membership":"leave"})"), (Keys{levels, sender}));
  EXPECT_EQ(of(creator, R"({"membership":"leave"})"), (Keys{levels, sender, target}));
  EXPECT_EQ(of(creator, R"({"membership":"ban"})"), (Keys{levels, sender, target}));
  EXPECT_EQ(of(creator, R"({"membership":"invite"})"), (Keys{levels, sender, target, rules}));
  EXPECT_EQ(of(creator, R"({"membership":"invite",
                        "third_party_invite":{"signed":{"token":"t"}}})"),
            (Keys{levels, sender, target, rules, {"m.room.third_party_invite", "t"}}));
  EXPECT_EQ(of(officer, R"({"membership":"join",
                        "join_authorised_via_users_server":"@joint.secretary:gims.internal"})"),
            (Keys{levels, sender, rules, target}));
}

class AuthEvents : public testing::TestWithParam<const RoomVersion*> {
 protected:
  AuthEvents() : room_(*GetParam()) {
    room_.set_member(officer, "join");
    room_.set_levels("{}");
    good_ = {room_.state().get("m.room.power_levels", ""),
             room_.state().get("m.room.member", officer)};
    if (!GetParam()->room_id_is_create_hash) good_.push_back(room_.create());
  }
  [[nodiscard]] bool allows(const std::vector<EventPtr>& auth_events) const {
    const EventPtr event = room_.make(officer, "m.room.message", std::nullopt, "{}");
    return check_auth_events(room_.version(), *event, auth_events).has_value();
  }
  RoomUnderTest room_;
  std::vector<EventPtr> good_;
};
INSTANTIATE_TEST_SUITE_P(AllVersions, AuthEvents, every_version(), version_name);

TEST_P(AuthEvents, AreThoseOfTheSelection) { EXPECT_TRUE(allows(good_)); }

TEST_P(AuthEvents, R3_1_AreNotTwoForTheSameState) {
  good_.push_back(room_.make(creator, "m.room.power_levels", "", R"({"ban":1})"));
  EXPECT_FALSE(allows(good_));
}
TEST_P(AuthEvents, R3_2_AreNoOthers) {
  good_.push_back(room_.make(creator, "m.room.name", "", "{}"));
  EXPECT_FALSE(allows(good_));
}
TEST_P(AuthEvents, R3_2_HoldTheCreateEventBeforeVersion12AndNotSince) {
  std::erase(good_, room_.create());
  EXPECT_EQ(allows(good_), GetParam()->room_id_is_create_hash);
  good_.push_back(room_.create());
  EXPECT_EQ(allows(good_), !GetParam()->room_id_is_create_hash);
}
TEST_P(AuthEvents, R3_5_AreOfTheSameRoom) {
  good_.front() = room_.build({.room_id = "!elsewhere:gims.internal",
                               .type = "m.room.power_levels",
                               .state_key = "",
                               .sender = creator});
  EXPECT_FALSE(allows(good_));
}
TEST_P(AuthEvents, AreState) {
  good_.push_back(room_.make(creator, "m.room.message", std::nullopt, "{}"));
  EXPECT_FALSE(allows(good_));
}

}  // namespace
}  // namespace gims::matrix
