#include "sys/signals.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

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

}  // namespace
}  // namespace gims::sys
