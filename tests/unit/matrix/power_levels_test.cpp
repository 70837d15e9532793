#include "matrix/power_levels.hpp"

#include <gtest/gtest.h>

#include "support/room_under_test.hpp"

namespace gims::matrix {
namespace {

constexpr std::string_view creator = RoomUnderTest::creator;
constexpr std::string_view officer = "@desk.officer:gims.internal";

// Spec: m.room.power_levels, defaults where there is no such event.
TEST(PowerLevels, HaveDefaultsWithoutAnEvent) {
  for (const RoomVersion& version : room_versions()) {
    const RoomUnderTest room(version);
    const PowerLevels levels = PowerLevels::of(room.state());
    EXPECT_EQ(levels.of_user(creator), version.privileged_creators ? creator_level : 100);
    EXPECT_EQ(levels.of_user(officer), 0);
    EXPECT_EQ(levels.to_send("m.room.message", false), 0);
    EXPECT_EQ(levels.to_send("m.room.name", true), 50);
    EXPECT_EQ(levels.to_ban(), 50);
    EXPECT_EQ(levels.to_kick(), 50);
    EXPECT_EQ(levels.to_redact(), 50);
    EXPECT_EQ(levels.to_invite(), 0);
    EXPECT_EQ(levels.to_notify("room"), 50);
  }
}

TEST(PowerLevels, AreReadFromTheEvent) {
  RoomUnderTest room(room_version_11());
  room.set_levels(R"({"users":{"@desk.officer:gims.internal":20},"users_default":3,"ban":1,"kick":2,
      "redact":4,"invite":5,"state_default":6,"events_default":7,"events":{"m.room.name":8},
      "notifications":{"room":9}})");
  const PowerLevels levels = PowerLevels::of(room.state());
  EXPECT_EQ(levels.of_user(officer), 20);
  EXPECT_EQ(levels.of_user(creator), 3);
  EXPECT_EQ(levels.to_ban(), 1);
  EXPECT_EQ(levels.to_kick(), 2);
  EXPECT_EQ(levels.to_redact(), 4);
  EXPECT_EQ(levels.to_invite(), 5);
  EXPECT_EQ(levels.to_send("m.room.topic", true), 6);
  EXPECT_EQ(levels.to_send("m.room.message", false), 7);
  EXPECT_EQ(levels.to_send("m.room.name", true), 8);
  EXPECT_EQ(levels.to_notify("room"), 9);
}

// Spec: rooms/v12, "room creators".
TEST(PowerLevels, OfCreatorsAreAboveAllFromVersion12) {
  RoomUnderTest room(room_version_12(),
                     R"({"room_version":"12","additional_creators":["@desk.officer:gims.internal",
                     "@joint.secretary:gims.internal"]})");
  room.set_levels(R"({"users":{"@joint.secretary:gims.internal":1}})");
  const PowerLevels levels = PowerLevels::of(room.state());
  EXPECT_EQ(levels.of_user(officer), creator_level);
  EXPECT_EQ(levels.of_user(creator), creator_level);
  EXPECT_EQ(levels.of_user("@clerk:gims.internal"), 0);
  EXPECT_EQ(levels.creators(), (std::vector<std::string_view>{creator, officer}));
}

TEST(PowerLevels, OfAdditionalCreatorsCountForNothingBefore) {
  const RoomUnderTest room(room_version_11(),
                           R"({"additional_creators":["@desk.officer:gims.internal"]})");
  EXPECT_FALSE(PowerLevels::of(room.state()).is_creator(officer));
  EXPECT_EQ(PowerLevels::of(room.state()).creators(), std::vector<std::string_view>{creator});
}

}  // namespace
}  // namespace gims::matrix
