#include "sys/fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>

#include "sys/epoll.hpp"
#include "sys/event_fd.hpp"

namespace gims::sys {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(Fd, ClosesOnceAndMovesAway) {
  Fd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int raw = first.get();
  ASSERT_TRUE(is_open(raw));
  {
    const Fd second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT: the moved-from state is what is tested
    EXPECT_EQ(second.get(), raw);
    EXPECT_TRUE(is_open(raw));
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(Fd, ReleaseGivesTheOwnershipAway) {
  Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int raw = fd.release();
  fd.reset();
  EXPECT_TRUE(is_open(raw));
  Fd(raw).reset();
  EXPECT_FALSE(is_open(raw));
}

TEST(Fd, AssignmentClosesWhatWasOwned) {
  Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int old = fd.get();
  fd = Fd();
  EXPECT_FALSE(is_open(old));
}

TEST(EventFd, ManySignalsAreOneUntilDrained) {
  const auto event = EventFd::create();
  ASSERT_TRUE(event);
  EXPECT_FALSE(event->drain());
  event->signal();
  event->signal();
  EXPECT_TRUE(event->drain());
  EXPECT_FALSE(event->drain());
}

TEST(Epoll, GivesTheDataOfWhatIsReady) {
  const auto epoll = Epoll::create();
  const auto ready = EventFd::create();
  const auto silent = EventFd::create();
  ASSERT_TRUE(epoll && ready && silent);
  ASSERT_TRUE(epoll->add(ready->fd(), EPOLLIN, 7));
  ASSERT_TRUE(epoll->add(silent->fd(), EPOLLIN, 8));
  ready->signal();
  std::array<epoll_event, 4> room{};
  const auto events = epoll->wait(room, std::chrono::milliseconds(0));
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 1U);
  // By value: epoll_event is packed.
  EXPECT_EQ(std::uint64_t{(*events)[0].data.u64}, 7U);
  EXPECT_TRUE(epoll->remove(ready->fd()));
  EXPECT_EQ(epoll->remove(ready->fd()).error().code, "ENOENT");
  EXPECT_TRUE(epoll->wait(room, std::chrono::milliseconds(0))->empty());
}

}  // namespace
}  // namespace gims::sys
