#include "service/media_waits.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <vector>

#include "support/manual_clock.hpp"

namespace gims::service {
namespace {

using std::chrono::seconds;

class MediaWaitsTest : public ::testing::Test {
 protected:
  MediaWaits::Ticket wait(std::string_view file, seconds timeout = seconds(60),
                          std::string_view user = "@desk.officer:gims.internal") {
    auto ticket = MediaWaits::ticket();
    waits.add(ticket, std::string(user), std::string(file), clock.steady() + timeout,
              [this, name = std::string(file)] { looked.push_back(name); });
    return ticket;
  }
  using Names = std::vector<std::string>;

  test::ManualClock clock;
  Names looked;
  MediaWaits waits{clock};
};

TEST_F(MediaWaitsTest, AnUploadWakesThoseThatWaitForIt) {
  wait("a");
  wait("b");
  wait("a");
  waits.uploaded("a");
  EXPECT_EQ(looked, (Names{"a", "a"}));
  waits.uploaded("a");
  EXPECT_EQ(looked.size(), 2U) << "once each";
  waits.uploaded("b");
  EXPECT_EQ(looked, (Names{"a", "a", "b"}));
}

TEST_F(MediaWaitsTest, TheTimeWakesThemInTheOrderOfTheirComing) {
  wait("a", seconds(2));
  wait("b", seconds(1));
  wait("c", seconds(3));
  waits.run_due(clock.steady());
  EXPECT_TRUE(looked.empty());
  waits.run_due(clock.steady() + seconds(2));
  EXPECT_EQ(looked, (Names{"a", "b"}));
}

TEST_F(MediaWaitsTest, AClientThatWentIsNotLookedFor) {
  const auto ticket = wait("a");
  wait("a");
  waits.gone(ticket);
  waits.uploaded("a");
  EXPECT_EQ(looked, Names{"a"});
  // It went before its wait began.
  const auto early = MediaWaits::ticket();
  waits.gone(early);
  waits.add(early, "@x:y", "b", clock.steady() + seconds(1), [this] { looked.emplace_back("b"); });
  waits.stop();
  EXPECT_EQ(looked, Names{"a"});
}

TEST_F(MediaWaitsTest, BeyondTheLimitsTheAnswerComesAtOnce) {
  for (std::size_t i = 0; i < most_media_waits_of_user; ++i) wait("a");
  EXPECT_TRUE(looked.empty());
  wait("b");
  EXPECT_EQ(looked, Names{"b"});
  for (std::size_t i = most_media_waits_of_user; i < most_media_waits; ++i) {
    wait("a", seconds(60), "@officer" + std::to_string(i / 16) + ":gims.internal");
  }
  EXPECT_EQ(looked, Names{"b"});
  wait("c", seconds(60), "@nobody.yet:gims.internal");
  EXPECT_EQ(looked, (Names{"b", "c"}));
}

TEST_F(MediaWaitsTest, TheEndWakesAll) {
  wait("a");
  wait("b");
  waits.stop();
  EXPECT_EQ(looked, (Names{"a", "b"}));
  wait("c");
  EXPECT_EQ(looked.back(), "c");
}

// By its own thread and the clock of the machine.
TEST(MediaWaits, EndByThemselves) {
  const SystemClock clock;
  MediaWaits waits(clock);
  std::promise<void> looked;
  waits.add(MediaWaits::ticket(), "@x:y", "a", clock.steady() + std::chrono::milliseconds(1),
            [&looked] { looked.set_value(); });
  looked.get_future().wait();
}

}  // namespace
}  // namespace gims::service
