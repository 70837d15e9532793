#include "api/rate_limiter.hpp"

#include <gtest/gtest.h>

#include "support/manual_clock.hpp"

namespace gims::api {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Two at once, then one a second; an address three times that at once.
ClassRates few(RateClass) noexcept { return {.user = {seconds(1), 2}, .address = {seconds(1), 6}}; }

class RateLimiterTest : public ::testing::Test {
 protected:
  std::optional<milliseconds> take(std::string_view user, std::string_view address,
                                   RateClass rate = RateClass::send) {
    return limiter.take(rate, user, address);
  }
  test::ManualClock clock;
  RateLimiter limiter{clock, 1024, &few};
};

TEST_F(RateLimiterTest, LetsABurstThroughAndThenOneAnInterval) {
  EXPECT_FALSE(take("@a:x", ""));
  EXPECT_FALSE(take("@a:x", ""));
  EXPECT_EQ(take("@a:x", ""), milliseconds(1000));
  clock.advance(400);
  EXPECT_EQ(take("@a:x", ""), milliseconds(600));
  clock.advance(600);
  EXPECT_FALSE(take("@a:x", ""));
  EXPECT_EQ(take("@a:x", ""), milliseconds(1000));
  clock.advance(60'000);
  EXPECT_FALSE(take("@a:x", ""));
  EXPECT_FALSE(take("@a:x", ""));
  EXPECT_TRUE(take("@a:x", ""));
}

TEST_F(RateLimiterTest, CountsUsersAndClassesApart) {
  while (!take("@a:x", "")) {
  }
  EXPECT_FALSE(take("@b:x", ""));
  EXPECT_FALSE(take("@a:x", "", RateClass::read));
  EXPECT_TRUE(take("@a:x", ""));
}

TEST_F(RateLimiterTest, LimitsAnAddressForAllItsUsers) {
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(take("@" + std::to_string(i) + ":x", "192.0.2.7"));
  EXPECT_TRUE(take("@new:x", "192.0.2.7"));
  EXPECT_FALSE(take("@new:x", "192.0.2.8"));
  // What the address refused was not taken from the user.
  EXPECT_FALSE(take("@new:x", ""));
  EXPECT_TRUE(take("@new:x", ""));
}

TEST_F(RateLimiterTest, CountsIpv6ByItsNetwork) {
  for (int i = 0; i < 6; ++i) EXPECT_FALSE(take("", "2001:db8:1:2::" + std::to_string(i)));
  EXPECT_TRUE(take("", "2001:db8:1:2:ffff::1"));
  EXPECT_FALSE(take("", "2001:db8:1:3::1"));
}

TEST_F(RateLimiterTest, GivesASiteManyTimesAsMuch) {
  RateLimiter wide(clock, 1024, &few, {.user = 2, .address = 10});
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(wide.take(RateClass::send, "@a:x", "192.0.2.7"));
  EXPECT_EQ(wide.take(RateClass::send, "@a:x", "192.0.2.7"), milliseconds(500));
  for (int i = 4; i < 60; ++i) {
    EXPECT_FALSE(wide.take(RateClass::send, "@" + std::to_string(i) + ":x", "192.0.2.7")) << i;
  }
  EXPECT_EQ(wide.take(RateClass::send, "@new:x", "192.0.2.7"), milliseconds(100));
}

TEST_F(RateLimiterTest, HasAnUnlimitedClass) {
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(take("@a:x", "192.0.2.7", RateClass::unlimited));
}

TEST_F(RateLimiterTest, StaysWithinItsSizeAndForgetsTheSpentLast) {
  RateLimiter small(clock, 16 * 8, &few);
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_FALSE(small.take(RateClass::send, "@" + std::to_string(i) + ":x", ""));
  }
  // Everything of the flood is full again, so that what comes now finds room without dropping
  // anything spent.
  clock.advance(5'000);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(small.take(RateClass::send, "@late:x", ""));
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(small.take(RateClass::send, "@other" + std::to_string(i) + ":x", ""));
  }
  EXPECT_TRUE(small.take(RateClass::send, "@late:x", ""));
}

TEST(RateLimits, AreSetForEveryClass) {
  for (auto rate : {RateClass::read, RateClass::sync, RateClass::send, RateClass::write,
                    RateClass::room, RateClass::login, RateClass::upload, RateClass::attest}) {
    const auto rates = default_rates(rate);
    EXPECT_GT(rates.user.burst, 0U);
    EXPECT_GT(rates.user.interval.count(), 0);
    EXPECT_GE(rates.address.burst, rates.user.burst);
    EXPECT_LE(rates.address.interval, rates.user.interval);
  }
}

}  // namespace
}  // namespace gims::api
