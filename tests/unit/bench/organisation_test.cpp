#include "bench/replay/organisation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <set>

namespace gims::bench {
namespace {

std::vector<std::size_t> sizes_of(const Organisation& organisation, RoomKind kind) {
  std::vector<std::size_t> sizes;
  for (const PlannedRoom& room : organisation.rooms) {
    if (room.kind == kind) sizes.push_back(room.members.size());
  }
  std::ranges::sort(sizes);
  return sizes;
}

class Pilot : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { pilot_ = new Organisation(make_organisation({})); }
  static void TearDownTestSuite() { delete pilot_; }
  static const Organisation* pilot_;
};
const Organisation* Pilot::pilot_ = nullptr;

TEST_F(Pilot, HasItsMinistriesAndOfficers) {
  EXPECT_EQ(pilot_->officers.size(), 6500U);
  std::map<int, std::size_t> ministries;
  for (const Officer& officer : pilot_->officers) ++ministries[officer.ministry];
  EXPECT_EQ(ministries.size(), 17U);
  const auto [least, most] = std::ranges::minmax(ministries | std::views::values);
  EXPECT_GE(least, 100U);
  EXPECT_GE(most, 3 * least);  // Zipf, not equal parts
  std::size_t devices = 0;
  for (const Officer& officer : pilot_->officers) {
    EXPECT_TRUE(officer.devices == 1 || officer.devices == 2);
    devices += officer.devices;
  }
  EXPECT_EQ(pilot_->devices, devices);
  EXPECT_NEAR(static_cast<double>(devices), 6500 * 1.2, 150);
}

TEST_F(Pilot, HasRoomsOfTheSizesThatTheyAreSaidToHave) {
  const auto check = [](RoomKind kind, std::size_t least, std::size_t most, std::size_t rooms) {
    const auto sizes = sizes_of(*pilot_, kind);
    ASSERT_FALSE(sizes.empty());
    EXPECT_GE(sizes.front(), least) << name_of(kind);
    EXPECT_LE(sizes.back(), most) << name_of(kind);
    EXPECT_GE(sizes.size(), rooms) << name_of(kind);
  };
  check(RoomKind::direct, 2, 2, 8000);
  check(RoomKind::team, 5, 30, 800);
  check(RoomKind::task_force, 12, 120, 20);
  check(RoomKind::department, 50, 300, 30);
  check(RoomKind::announcement, 100, 2000, 17);
  EXPECT_GE(sizes_of(*pilot_, RoomKind::announcement).back(), 1000U);
  // Small teams are the usual ones.
  const auto teams = sizes_of(*pilot_, RoomKind::team);
  EXPECT_LE(teams[teams.size() / 2], 10U);
}

TEST_F(Pilot, MembersAreOfficersEachOnce) {
  for (const PlannedRoom& room : pilot_->rooms) {
    const std::set<std::uint32_t> members(room.members.begin(), room.members.end());
    ASSERT_EQ(members.size(), room.members.size());
    ASSERT_LT(*members.rbegin(), pilot_->officers.size());
  }
}

TEST_F(Pilot, RoomsFollowTheOrganisation) {
  std::vector<int> departments(pilot_->officers.size());
  for (const PlannedRoom& room : pilot_->rooms) {
    const Officer& first = pilot_->officers[room.members.front()];
    for (const std::uint32_t member : room.members) {
      const Officer& officer = pilot_->officers[member];
      if (room.kind == RoomKind::department) {
        EXPECT_EQ(officer.department, first.department);
        ++departments[member];
      }
      if (room.kind == RoomKind::announcement || room.kind == RoomKind::team) {
        EXPECT_EQ(officer.ministry, first.ministry);
      }
    }
    if (room.kind == RoomKind::announcement) {
      EXPECT_EQ(first.designation, Designation::secretary);
    }
  }
  EXPECT_TRUE(std::ranges::all_of(departments, [](int rooms) { return rooms == 1; }));
}

TEST(Organisations, AreTheSameForASeedAndOthersForAnother) {
  const auto rooms = [](std::uint64_t seed) {
    std::vector<std::vector<std::uint32_t>> members;
    for (const PlannedRoom& room : make_organisation({.officers = 500, .seed = seed}).rooms) {
      members.push_back(room.members);
    }
    return members;
  };
  EXPECT_EQ(rooms(1), rooms(1));
  EXPECT_NE(rooms(1), rooms(2));
}

TEST(Organisations, MayBeSmall) {
  for (const std::uint32_t officers : {12U, 40U, 200U}) {
    const Organisation small = make_organisation({.officers = officers});
    EXPECT_EQ(small.officers.size(), officers);
    for (const PlannedRoom& room : small.rooms) {
      EXPECT_GE(room.members.size(), room.kind == RoomKind::direct ? 2U : 1U);
    }
  }
}

}  // namespace
}  // namespace gims::bench
