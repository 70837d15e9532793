#include "sys/signals.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace gims::sys {
namespace {

TEST(SignalFd, ReadsASignalInPlaceOfDying) {
  const auto signals = SignalFd::for_service();
  ASSERT_TRUE(signals);
  EXPECT_EQ(signals->next(), std::nullopt);
  // From another thread, which inherits the mask, to the process as a whole.
  std::thread([] { ::kill(::getpid(), SIGTERM); }).join();
  EXPECT_EQ(signals->next(), SIGTERM);
  EXPECT_EQ(signals->next(), std::nullopt);
}

TEST(SignalFd, TermAndIntAskToStopAndHupDoesNot) {
  using std::chrono::milliseconds;
  const auto signals = SignalFd::for_service();
  ASSERT_TRUE(signals);
  const auto send = [](int signal) { std::thread([&] { ::kill(::getpid(), signal); }).join(); };
  EXPECT_FALSE(signals->stop_asked());
  EXPECT_FALSE(signals->stop_asked_within(milliseconds(0)));
  for (const int signal : {SIGTERM, SIGINT}) {
    send(SIGHUP);
    EXPECT_FALSE(signals->stop_asked());
    send(signal);
    EXPECT_TRUE(signals->stop_asked());
    send(signal);
    EXPECT_TRUE(signals->stop_asked_within(std::nullopt));
    EXPECT_FALSE(signals->stop_asked());
  }
}

}  // namespace
}  // namespace gims::sys
