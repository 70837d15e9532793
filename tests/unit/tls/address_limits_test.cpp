#include "tls/address_limits.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "sys/socket.hpp"

namespace gims::tls {
namespace {

sys::IpAddress ip(const std::string& text) { return *sys::IpAddress::parse(text); }

// A socket with its place; the place goes first.
struct Held {
  sys::Fd socket;
  sys::Fd other_end;
  AddressLimits::Slot slot;
};

class AddressLimitsTest : public ::testing::Test {
 protected:
  // False: refused.
  bool take(const std::string& from) {
    auto pair = sys::stream_pair(sys::Blocking::no);
    auto slot = limits_->take(ip(from), pair->first.get());
    if (!slot) return false;
    held_.push_back({.socket = std::move(pair->first),
                     .other_end = std::move(pair->second),
                     .slot = *std::move(slot)});
    return true;
  }
  // Which of those that came, by their number, gave way so far.
  std::vector<std::size_t> evicted() {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < held_.size(); ++i) {
      char byte = 0;
      const bool shut = ::recv(held_[i].other_end.get(), &byte, 1, MSG_DONTWAIT) == 0;
      EXPECT_EQ(shut, held_[i].slot.evicted()) << i;
      if (shut) all.push_back(i);
    }
    return all;
  }
  std::optional<AddressLimits> limits_;
  std::deque<Held> held_;  // goes first
};

using Numbers = std::vector<std::size_t>;

TEST_F(AddressLimitsTest, ShutsTheSocketThatASlotMovedTo) {
  limits_.emplace(1, 2);
  ASSERT_TRUE(take("192.0.2.1"));
  auto next = sys::stream_pair(sys::Blocking::no);
  held_.front().slot.moved_to(next->first.get());
  ASSERT_TRUE(take("192.0.2.2"));
  EXPECT_TRUE(held_.front().slot.evicted());
  char byte = 0;
  EXPECT_EQ(::recv(next->second.get(), &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_EQ(::recv(held_.front().other_end.get(), &byte, 1, MSG_DONTWAIT), -1);
  // One that gave way before it moved.
  auto late = sys::stream_pair(sys::Blocking::no);
  held_.front().slot.moved_to(late->first.get());
  EXPECT_EQ(::recv(late->second.get(), &byte, 1, MSG_DONTWAIT), 0);
}

TEST_F(AddressLimitsTest, CountsByAddressAndInAll) {
  limits_.emplace(3, 2);
  EXPECT_TRUE(take("192.0.2.1"));
  EXPECT_TRUE(take("192.0.2.1"));
  EXPECT_FALSE(take("192.0.2.1"));
  EXPECT_TRUE(take("192.0.2.2"));
  EXPECT_FALSE(take("192.0.2.2")) << "all places are taken, and none has more";
  EXPECT_EQ(limits_->taken(), 3U);
  EXPECT_EQ(evicted(), Numbers{});
  held_.clear();
  EXPECT_EQ(limits_->taken(), 0U);
  EXPECT_TRUE(take("192.0.2.1"));
}

TEST_F(AddressLimitsTest, OneIpv6NetworkIsOneAddress) {
  limits_.emplace(10, 1);
  EXPECT_TRUE(take("2001:db8::1"));
  EXPECT_FALSE(take("2001:db8::2"));
  EXPECT_TRUE(take("2001:db8:0:1::2"));
}

TEST_F(AddressLimitsTest, AMovedSlotIsGivenBackOnce) {
  limits_.emplace(10, 10);
  auto first = limits_->take(ip("192.0.2.1"), -1);
  {
    const AddressLimits::Slot moved = *std::move(first);
    EXPECT_EQ(limits_->taken(), 1U);
  }
  first.reset();
  EXPECT_EQ(limits_->taken(), 0U);
}

TEST_F(AddressLimitsTest, WhoComesFromAnotherAddressGetsInHoweverManyAFewHold) {
  limits_.emplace(8, 2);
  for (int address = 1; address <= 4; ++address) {
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(take("192.0.2." + std::to_string(address)));
    }
  }
  // The oldest of those that have the most.
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(take("198.51.100." + std::to_string(i + 1))) << i;
    EXPECT_EQ(evicted().size(), static_cast<std::size_t>(i) + 1);
  }
  EXPECT_EQ(evicted(), (Numbers{0, 2, 4, 6}));
  EXPECT_EQ(limits_->taken(), 8U);
  EXPECT_EQ(limits_->evicted(), 4U);
  EXPECT_FALSE(take("198.51.100.1")) << "it would take from those that have no more";
}

TEST_F(AddressLimitsTest, WhatIsQuietGivesWayFirst) {
  limits_.emplace(4, 4);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(take("192.0.2.1"));
  held_[0].slot.spoke();
  held_[1].slot.spoke();
  EXPECT_TRUE(take("192.0.2.2"));
  EXPECT_EQ(evicted(), (Numbers{2}));
  EXPECT_TRUE(take("192.0.2.3"));
  EXPECT_EQ(evicted(), (Numbers{2, 3}));
  // Where all have spoken, who has not for the longest time.
  for (const std::size_t one : Numbers{4, 5, 0}) held_[one].slot.spoke();
  EXPECT_TRUE(take("192.0.2.4"));
  EXPECT_EQ(evicted(), (Numbers{1, 2, 3}));
}

TEST_F(AddressLimitsTest, WhoSpokeStaysWhileAnyIsQuietAlsoBehindAnAddressOfMany) {
  limits_.emplace(5, 4);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(take("192.0.2.1"));
    held_.back().slot.spoke();
  }
  ASSERT_TRUE(take("192.0.2.2"));
  ASSERT_TRUE(take("192.0.2.3"));
  // A crowd takes from one another.
  for (int i = 1; i <= 20; ++i) EXPECT_TRUE(take("198.51.100." + std::to_string(i)));
  for (const std::size_t one : evicted()) EXPECT_GE(one, 3U);
  EXPECT_EQ(evicted().size(), 20U);
}

TEST_F(AddressLimitsTest, TheMostThatIsQuietGivesWayNotTheMost) {
  limits_.emplace(6, 6);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(take("192.0.2.1"));
    if (i > 0) held_.back().slot.spoke();
  }
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(take("192.0.2.2"));
  // One of the address that has more in all and less that is quiet.
  EXPECT_TRUE(take("192.0.2.1"));
  EXPECT_EQ(evicted(), (Numbers{3}));
}

TEST_F(AddressLimitsTest, AnAddressWithFewKeepsWhatSpoke) {
  limits_.emplace(4, 4);
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(take("192.0.2." + std::to_string(i)));
    if (i != 3) held_.back().slot.spoke();
  }
  // One that only takes a place makes room even for an equal.
  EXPECT_TRUE(take("198.51.100.1"));
  EXPECT_EQ(evicted(), (Numbers{2}));
  held_.back().slot.spoke();
  EXPECT_FALSE(take("198.51.100.2"));
  EXPECT_EQ(evicted(), (Numbers{2}));
}

TEST_F(AddressLimitsTest, TheAddressWithTheMostGivesWayNotTheOldest) {
  limits_.emplace(5, 4);
  ASSERT_TRUE(take("192.0.2.1"));
  ASSERT_TRUE(take("192.0.2.1"));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(take("192.0.2.2"));
  EXPECT_TRUE(take("192.0.2.3"));
  EXPECT_EQ(evicted(), (Numbers{2}));
}

TEST_F(AddressLimitsTest, NoMoreGiveWayThanAreClosed) {
  constexpr std::size_t places = 2 * AddressLimits::most_leaving;
  limits_.emplace(places, places);
  for (std::size_t i = 0; i < places; ++i) ASSERT_TRUE(take("192.0.2.1"));
  for (std::size_t i = 0; i < AddressLimits::most_leaving; ++i) {
    EXPECT_FALSE(limits_->crowded());
    ASSERT_TRUE(take("198.51.100." + std::to_string(i)));
  }
  EXPECT_TRUE(limits_->crowded());
  EXPECT_FALSE(take("203.0.113.1"));
  held_.pop_front();  // which gave way
  EXPECT_FALSE(limits_->crowded());
  EXPECT_TRUE(take("203.0.113.1"));
  held_.clear();
  EXPECT_EQ(limits_->taken(), 0U);
}

}  // namespace
}  // namespace gims::tls
