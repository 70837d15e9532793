#include "sys/notify.hpp"

#include <gtest/gtest.h>

namespace gims::sys {
namespace {

using namespace std::chrono_literals;

TEST(Watchdog, PetsOnlyWhileEveryLoopBeats) {
  int petted = 0;
  Watchdog watchdog(100ms, [&] { ++petted; });
  int woken = 0;
  auto& first = watchdog.add_loop([&] { ++woken; });
  auto& second = watchdog.add_loop([&] { ++woken; });
  EXPECT_TRUE(watchdog.tick());
  EXPECT_EQ(woken, 2);
  first.beat();
  EXPECT_FALSE(watchdog.tick());
  EXPECT_EQ(petted, 1);
  first.beat();
  EXPECT_FALSE(watchdog.tick()) << "the second still hangs";
  first.beat();
  second.beat();
  EXPECT_TRUE(watchdog.tick());
  EXPECT_EQ(petted, 2);
}

TEST(Watchdog, ReadsTheIntervalOfSystemd) {
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  ::unsetenv("WATCHDOG_PID");
  EXPECT_EQ(Watchdog::from_environment().period(), 10s);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_EQ(Watchdog::from_environment().period(), std::nullopt) << "meant for another process";
  ::unsetenv("WATCHDOG_PID");
  ::unsetenv("WATCHDOG_USEC");
  EXPECT_EQ(Watchdog::from_environment().period(), std::nullopt);
}

}  // namespace
}  // namespace gims::sys
