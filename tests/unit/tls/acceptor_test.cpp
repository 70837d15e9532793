#include "tls/acceptor.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <vector>

#include "sys/socket.hpp"
#include "unit/tls/test_client.hpp"
#include "unit/tls/test_front.hpp"

namespace gims::tls {
namespace {

// An acceptor whose arrivals are held, as by a loop that does not get to close those that gave way.
class AcceptorTest : public testing::Test {
 protected:
  static constexpr std::size_t places = 2 * AddressLimits::most_leaving;

  AcceptorTest() {
    auto bound = *sys::tcp_listen("127.0.0.1", 0, {.listen = false});
    port_ = bound.port;
    std::vector<Acceptor::Listener> listeners;
    listeners.push_back({.fd = std::move(bound.fd), .port = port_});
    acceptor_ =
        *Acceptor::create(std::move(listeners), connections_, handshakes_, [this](Arrival arrival) {
          const std::scoped_lock lock(mutex_);
          arrivals_.push_back(std::move(arrival));
        });
    EXPECT_TRUE(acceptor_->listen());
    acceptor_->start("test-accept");
  }
  ~AcceptorTest() override {
    acceptor_->request_stop();
    acceptor_->join();
  }

  void connect(std::uint8_t from) { clients_.push_back(test::tcp_connect(port_, from)); }
  bool arrived(std::size_t number) {
    return test::TestFront::wait_for_status([&] {
      const std::scoped_lock lock(mutex_);
      return arrivals_.size() == number;
    });
  }
  bool close_one_that_gave_way() {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find_if(arrivals_, &Arrival::evicted);
    if (found == arrivals_.end()) return false;
    arrivals_.erase(found);
    return true;
  }

  AddressLimits connections_{4 * places, places};
  AddressLimits handshakes_{places, places};
  std::mutex mutex_;
  std::list<Arrival> arrivals_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Acceptor> acceptor_;
  std::vector<sys::Fd> clients_;
};

TEST_F(AcceptorTest, WhoComesWhileOthersGiveWayWaitsAndIsNotRefused) {
  for (std::size_t i = 0; i < places; ++i) connect(1);
  ASSERT_TRUE(arrived(places));
  for (std::uint8_t i = 0; i < AddressLimits::most_leaving; ++i) connect(2 + i);
  ASSERT_TRUE(arrived(places + AddressLimits::most_leaving));
  ASSERT_TRUE(handshakes_.crowded());

  connect(200);
  pollfd ended{.fd = clients_.back().get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ended, 1, 100), 0) << "it was refused";
  ASSERT_TRUE(close_one_that_gave_way());
  EXPECT_TRUE(arrived(places + AddressLimits::most_leaving));
  const std::scoped_lock lock(mutex_);
  EXPECT_EQ(arrivals_.back().peer.ip, sys::IpAddress::parse("127.0.0.200"));
  EXPECT_EQ(acceptor_->refused(), 0U);
}

}  // namespace
}  // namespace gims::tls
