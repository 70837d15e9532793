#include "bench/replay/day.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace gims::bench {
namespace {

std::vector<PlannedMessage> all_of(const Organisation& organisation, std::uint64_t messages,
                                   std::uint64_t seed = 1) {
  Day day(organisation, messages, seed);
  std::vector<PlannedMessage> all;
  while (!day.over()) all.push_back(day.next());
  return all;
}

class DayTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t count = 100'000;
  static void SetUpTestSuite() {
    organisation_ = new Organisation(make_organisation({.officers = 2000}));
    messages_ = new std::vector<PlannedMessage>(all_of(*organisation_, count));
  }
  static void TearDownTestSuite() {
    delete messages_;
    delete organisation_;
  }
  static const PlannedRoom& room_of(const PlannedMessage& message) {
    return organisation_->rooms[message.room];
  }
  static const Organisation* organisation_;
  static const std::vector<PlannedMessage>* messages_;
};
const Organisation* DayTest::organisation_ = nullptr;
const std::vector<PlannedMessage>* DayTest::messages_ = nullptr;

TEST_F(DayTest, MessagesAreNumberedAndComeInTheOrderOfTheDay) {
  ASSERT_EQ(messages_->size(), count);
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ((*messages_)[i].number, i);
  EXPECT_TRUE(std::ranges::is_sorted(*messages_, {}, &PlannedMessage::minute));
  EXPECT_GE(messages_->front().minute, 0);
  EXPECT_LT(messages_->back().minute, double{minutes_of_day});
}

TEST_F(DayTest, MostIsSaidInWorkingHours) {
  const auto between = [](double from, double to) {
    return static_cast<double>(std::ranges::count_if(*messages_,
                                                     [&](const PlannedMessage& one) {
                                                       return one.minute >= from * 60 &&
                                                              one.minute < to * 60;
                                                     })) /
           double{count};
  };
  EXPECT_GT(between(9, 18), 0.8);
  EXPECT_LT(between(0, 5), 0.01);
  EXPECT_GT(between(11, 12), between(13, 14));  // lunch
}

TEST_F(DayTest, KindsOfRoomsHaveTheirShares) {
  std::map<RoomKind, double> shares;
  for (const PlannedMessage& one : *messages_) shares[room_of(one).kind] += 1.0 / double{count};
  double all = 0;
  for (const RoomKind kind : {RoomKind::direct, RoomKind::team, RoomKind::task_force,
                              RoomKind::department, RoomKind::announcement}) {
    EXPECT_NEAR(shares[kind], Day::share_of(kind), 0.01) << name_of(kind);
    all += Day::share_of(kind);
  }
  EXPECT_DOUBLE_EQ(all, 1);
}

TEST_F(DayTest, SendersAreMembersAndInAnnouncementsHeads) {
  for (const PlannedMessage& one : *messages_) {
    const PlannedRoom& room = room_of(one);
    ASSERT_TRUE(std::ranges::contains(room.members, one.sender));
    if (room.kind != RoomKind::announcement) continue;
    EXPECT_LE(organisation_->officers[one.sender].designation, Designation::joint_secretary);
  }
}

TEST_F(DayTest, SizesAreThoseOfEncryptedMessages) {
  std::vector<std::uint32_t> sizes;
  for (const PlannedMessage& one : *messages_) sizes.push_back(one.ciphertext);
  std::ranges::sort(sizes);
  EXPECT_GE(sizes.front(), 300U);
  EXPECT_LE(sizes.back(), 8000U);
  EXPECT_LT(sizes[sizes.size() / 2], 1000U);
  EXPECT_GT(sizes[sizes.size() * 95 / 100], 1200U);
}

TEST_F(DayTest, KeysAreSharedWithTheFirstOfEachHundredInSmallRooms) {
  std::map<std::uint32_t, std::uint32_t> said;
  for (const PlannedMessage& one : *messages_) {
    const bool is_first = said[one.room]++ % Day::session_messages == 0;
    const bool is_small = room_of(one).members.size() <= Day::most_key_receivers;
    ASSERT_EQ(one.shares_key, is_first && is_small);
  }
}

TEST_F(DayTest, IsTheSameForASeed) {
  const auto key = [](const PlannedMessage& one) {
    return std::tuple(one.minute, one.room, one.sender, one.ciphertext, one.typing, one.shares_key);
  };
  const auto again = all_of(*organisation_, count);
  EXPECT_TRUE(std::ranges::equal(*messages_, again, {}, key, key));
  const auto other = all_of(*organisation_, count, 2);
  EXPECT_FALSE(std::ranges::equal(*messages_, other, {}, key, key));
}

TEST(Days, MayHaveNothingOrOneMessage) {
  const Organisation organisation = make_organisation({.officers = 50});
  EXPECT_TRUE(Day(organisation, 0, 1).over());
  EXPECT_EQ(all_of(organisation, 1).size(), 1U);
}

}  // namespace
}  // namespace gims::bench
