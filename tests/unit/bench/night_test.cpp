// What a device has in the morning: one thing is wrong in each test, and must be noticed.
#include "bench/load/night.hpp"

#include <gtest/gtest.h>

#include "json/writer.hpp"

namespace gims::bench {
namespace {

constexpr std::size_t devices = 1320;

class NightPlanTest : public ::testing::Test {
 protected:
  NightPlanTest() : plan_(devices) {
    for (std::size_t i = 0; i < plan_.rooms.size(); ++i) {
      plan_.rooms[i].id = "!" + std::to_string(i) + ":x";
    }
  }

  // Of rooms by their ids with so many messages each.
  using Rooms = std::vector<std::pair<std::string, std::size_t>>;
  [[nodiscard]] std::string missing(std::size_t device, const Rooms& rooms,
                                    std::size_t keys = 1) const {
    json::Writer out;
    out.begin_object().key("rooms").begin_object().key("join").begin_object();
    for (const auto& [id, messages] : rooms) {
      out.key(id).begin_object().key("timeline").begin_object().key("events").begin_array();
      for (std::size_t i = 0; i < messages; ++i) out.begin_object().end_object();
      out.end_array().end_object().end_object();
    }
    out.end_object().end_object().key("to_device").begin_object().key("events").begin_array();
    for (std::size_t i = 0; i < keys; ++i) out.begin_object().end_object();
    out.end_array().end_object().end_object();
    const json::Document document = parsed(out.take());
    return plan_.missing_in(document.root(), device);
  }
  [[nodiscard]] std::string id(std::size_t device, std::size_t which) const {
    return plan_.rooms[plan_.rooms_of[device][which]].id;
  }

  NightPlan plan_;
};

TEST_F(NightPlanTest, EveryDeviceIsInARoomOfEachKind) {
  ASSERT_EQ(plan_.rooms.size(), 132U + 27U + 3U);
  std::size_t memberships = 0;
  for (const NightPlan::Room& room : plan_.rooms) {
    EXPECT_LE(room.members, room.kind.members);
    EXPECT_GT(room.members, 0U);
    memberships += room.members;
  }
  EXPECT_EQ(memberships, 3 * devices);
  for (std::size_t i = 0; i < devices; ++i) {
    ASSERT_EQ(plan_.rooms_of[i].size(), 3U);
    for (const std::size_t number : plan_.rooms_of[i]) {
      const NightPlan::Room& room = plan_.rooms[number];
      EXPECT_TRUE(i >= room.first && i < room.first + room.members);
    }
  }
  EXPECT_EQ(plan_.messages.size(), (132U * 6) + (27U * 15) + (3U * 20));
}

TEST_F(NightPlanTest, WhatItMissedAndNothingElseIsRight) {
  for (const std::size_t device : {std::size_t{0}, devices - 1}) {
    const Rooms right{{id(device, 0), 6}, {id(device, 1), 10}, {id(device, 2), 10}};
    EXPECT_EQ(missing(device, right), "");
    EXPECT_NE(missing(device, right, 0), "");
    EXPECT_NE(missing(device, right, 2), "");
    for (std::size_t i = 0; i < right.size(); ++i) {
      Rooms fewer = right;
      --fewer[i].second;
      EXPECT_NE(missing(device, fewer), "") << i;
      Rooms more = right;
      ++more[i].second;
      EXPECT_NE(missing(device, more), "") << i;
      Rooms gone = right;
      gone.erase(gone.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_NE(missing(device, gone), "") << i;
    }
    Rooms another = right;
    another.emplace_back("!another:x", 1);
    EXPECT_NE(missing(device, another), "");
  }
}

}  // namespace
}  // namespace gims::bench
