#include "tls/leaf_keeper.hpp"

#include <gtest/gtest.h>

#include "unit/tls/test_leaf.hpp"

namespace gims::tls {
namespace {

using namespace std::chrono_literals;

class LeafKeeperTest : public ::testing::Test {
 protected:
  test::ManualClock clock_;
  test::TestLeafSource source_{clock_, std::chrono::milliseconds(24h).count()};
  LeafKeeper keeper_{source_, clock_};
};

TEST_F(LeafKeeperTest, HasNoneBeforeTheFirst) {
  EXPECT_EQ(keeper_.current(), nullptr);
  source_.fails = true;
  EXPECT_EQ(keeper_.obtain_first().error().code, "GIMS_KEYD_GONE");
  EXPECT_EQ(keeper_.current(), nullptr);
}

TEST_F(LeafKeeperTest, RenewsAtHalfOfTheLife) {
  ASSERT_TRUE(keeper_.obtain_first());
  const auto first = keeper_.current();
  EXPECT_EQ(keeper_.tick(), 60s) << "the wall clock is looked at again";
  clock_.advance(12h - 1ms);
  EXPECT_EQ(keeper_.tick(), 1ms);
  EXPECT_EQ(source_.calls, 1);
  clock_.advance(1ms);
  keeper_.tick();
  EXPECT_EQ(source_.calls, 2);
  EXPECT_NE(keeper_.current(), first);
  keeper_.tick();
  EXPECT_EQ(source_.calls, 2);
}

TEST_F(LeafKeeperTest, KeepsTheOldOneAndTriesAgainEverMoreSeldom) {
  ASSERT_TRUE(keeper_.obtain_first());
  const auto first = keeper_.current();
  clock_.advance(12h);
  source_.fails = true;
  for (const auto wait : {5s, 10s, 20s, 40s}) {
    EXPECT_EQ(keeper_.tick(), wait);
    const int calls = source_.calls;
    clock_.advance(wait - 1ms);
    EXPECT_EQ(keeper_.tick(), 1ms);
    EXPECT_EQ(source_.calls, calls) << "too early";
    clock_.advance(1ms);
  }
  for (int i = 0; i < 10; ++i) {
    keeper_.tick();
    clock_.advance(5min);
  }
  EXPECT_EQ(keeper_.current(), first);
  source_.fails = false;
  const int calls = source_.calls;
  keeper_.tick();
  EXPECT_EQ(source_.calls, calls + 1) << "five minutes are the longest wait";
  EXPECT_NE(keeper_.current(), first);
}

TEST_F(LeafKeeperTest, AnExpiredOneIsNotGiven) {
  ASSERT_TRUE(keeper_.obtain_first());
  source_.fails = true;
  clock_.advance(24h - 1ms);
  keeper_.tick();
  EXPECT_NE(keeper_.current(), nullptr);
  clock_.advance(1ms);
  EXPECT_EQ(keeper_.current(), nullptr);
  source_.fails = false;
  clock_.advance(5min);
  keeper_.tick();
  EXPECT_NE(keeper_.current(), nullptr);
}

TEST_F(LeafKeeperTest, OneThatHasExpiredWhenItComesIsNotTaken) {
  test::TestLeafSource late(clock_, 0);
  LeafKeeper keeper(late, clock_);
  const auto refused = keeper.obtain_first();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(refused.error().code, "GIMS_TLS_LEAF");
  EXPECT_EQ(keeper.current(), nullptr);
}

TEST_F(LeafKeeperTest, IsRenewedWhenTheClockIsSetBackToBeforeIt) {
  int called = 0;
  keeper_.at_clock_jump([&] { ++called; });
  ASSERT_TRUE(keeper_.obtain_first());
  const auto first = keeper_.current();
  EXPECT_EQ(called, 0);
  // A clock that was two days ahead is put right.
  clock_.wall -= std::chrono::milliseconds(48h).count();
  EXPECT_EQ(keeper_.current(), first) << "another there is not";
  EXPECT_EQ(called, 1);
  keeper_.tick();
  EXPECT_EQ(source_.calls, 2);
  EXPECT_NE(keeper_.current(), first);
  EXPECT_EQ(called, 1) << "the new one is of the clock as it is now";
  EXPECT_EQ(keeper_.tick(), 60s);
}

TEST_F(LeafKeeperTest, IsRenewedAtOnceWhenTheClockIsSetBeyondItsEnd) {
  int called = 0;
  keeper_.at_clock_jump([&] { ++called; });
  ASSERT_TRUE(keeper_.obtain_first());
  clock_.wall += std::chrono::milliseconds(48h).count();
  EXPECT_EQ(keeper_.current(), nullptr);
  EXPECT_EQ(called, 1);
  keeper_.tick();
  EXPECT_NE(keeper_.current(), nullptr);
  EXPECT_EQ(called, 1);
}

class SameLeafSource final : public LeafSource {
 public:
  explicit SameLeafSource(const Clock& clock) : from_(clock.now_ms()) {}
  Result<Leaf> obtain() override {
    ++calls;
    return test::make_leaf(from_, from_ + 1'000'000);
  }
  int calls = 0;

 private:
  Millis from_;
};

TEST_F(LeafKeeperTest, ASourceThatHasNothingNewerIsAskedSeldom) {
  SameLeafSource same(clock_);
  LeafKeeper keeper(same, clock_);
  ASSERT_TRUE(keeper.obtain_first());
  clock_.advance(500s);
  for (int i = 0; i < 10; ++i) EXPECT_GT(keeper.tick(), 0ms);
  EXPECT_EQ(same.calls, 2);
  clock_.advance(5min);
  keeper.tick();
  EXPECT_EQ(same.calls, 3);
}

// As gims-keyd's leaves: valid from five minutes ago.
class BackdatedLeafSource final : public LeafSource {
 public:
  explicit BackdatedLeafSource(const Clock& clock) : clock_(clock) {}
  Result<Leaf> obtain() override {
    ++calls;
    const Millis now = clock_.now_ms();
    return test::make_leaf(now - Millis{300'000}, now + Millis{60'000});
  }
  int calls = 0;

 private:
  const Clock& clock_;
};

TEST_F(LeafKeeperTest, AShortLifeIsHalvedFromWhenTheLeafCame) {
  BackdatedLeafSource source(clock_);
  LeafKeeper keeper(source, clock_);
  ASSERT_TRUE(keeper.obtain_first());
  for (int renewals = 0; renewals < 20; ++renewals) {
    EXPECT_EQ(source.calls, renewals + 1);
    EXPECT_EQ(keeper.tick(), 30s);
    EXPECT_EQ(source.calls, renewals + 1);
    clock_.advance(30s);
    EXPECT_NE(keeper.current(), nullptr) << "expired before it was renewed";
    EXPECT_EQ(keeper.tick(), 0ms);
  }
}

TEST(ServerContext, RefusesAKeyThatIsNotTheCertificates) {
  Leaf leaf = test::make_long_leaf();
  leaf.private_key = std::move(test::make_long_leaf().private_key);
  EXPECT_EQ(ServerContext::create(leaf, *TicketKeys::create()).error().code, "GIMS_TLS_LEAF");
}

TEST(ServerContext, RefusesBytesThatAreNoCertificate) {
  Leaf leaf = test::make_long_leaf();
  leaf.chain[0].pop_back();
  EXPECT_FALSE(ServerContext::create(leaf, *TicketKeys::create()));
  leaf.chain.clear();
  EXPECT_FALSE(ServerContext::create(leaf, *TicketKeys::create()));
}

}  // namespace
}  // namespace gims::tls
