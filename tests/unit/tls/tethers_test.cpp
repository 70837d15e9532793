#include "tls/tethers.hpp"

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "sys/socket.hpp"
#include "unit/tls/test_front.hpp"

namespace gims::tls {
namespace {

using namespace std::chrono_literals;

class TetherLoopTest : public ::testing::Test {
 protected:
  TetherLoopTest() {
    auto made = TetherLoop::create(2000ms);
    EXPECT_TRUE(made);
    loop_ = std::move(*made);
    loop_->start("tethers");
  }
  // gimsd's end of a connection from there; empty: refused.
  sys::Fd connect(const std::string& from) {
    auto pair = sys::stream_pair(sys::Blocking::no);
    auto slot = limits_.take(*sys::IpAddress::parse(from), pair->first.get());
    if (!slot) return {};
    loop_->adopt({.tether = std::move(pair->first), .slot = *std::move(slot)});
    return std::move(pair->second);
  }
  // The connection is in use, and the front knows it.
  static void use(const sys::Fd& end) {
    // What it reads first it has taken note of before it reads the second.
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(::send(end.get(), "u", 1, MSG_NOSIGNAL), 1);
      EXPECT_TRUE(wait_for([&] {
        int unread = 1;
        return ::ioctl(end.get(), SIOCOUTQ, &unread) == 0 && unread == 0;
      }));
    }
  }
  static bool is_shut(const sys::Fd& end) {
    char byte = 0;
    return ::recv(end.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }
  template <class Fits>
  static bool wait_for(Fits fits) {
    return test::TestFront::wait_for_status(fits);
  }

  AddressLimits limits_{2, 2};
  std::unique_ptr<TetherLoop> loop_;
};

TEST_F(TetherLoopTest, APlaceIsFreeWhenGimsdHasClosed) {
  auto first = connect("192.0.2.1");
  const auto second = connect("192.0.2.1");
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(connect("192.0.2.1"));
  first.reset();
  EXPECT_TRUE(wait_for([&] { return limits_.taken() == 1; }));
  EXPECT_TRUE(connect("192.0.2.1"));
}

TEST_F(TetherLoopTest, TheOneThatWasInUseLongestAgoGivesWay) {
  const auto first = connect("192.0.2.1");
  const auto second = connect("192.0.2.1");
  ASSERT_TRUE(first && second);
  use(second);
  use(first);
  const auto other = connect("192.0.2.2");
  ASSERT_TRUE(other);
  EXPECT_TRUE(is_shut(second));
  EXPECT_FALSE(is_shut(first));
  EXPECT_EQ(limits_.taken(), 2U);
}

TEST_F(TetherLoopTest, AtItsEndGimsdIsToldAndWaitedFor) {
  auto first = connect("192.0.2.1");
  ASSERT_TRUE(first);
  use(first);
  loop_->request_stop();
  EXPECT_TRUE(wait_for([&] { return is_shut(first); }));
  EXPECT_EQ(limits_.taken(), 1U);
  first.reset();
  loop_->join();
  EXPECT_EQ(limits_.taken(), 0U);
}

}  // namespace
}  // namespace gims::tls
