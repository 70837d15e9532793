#include "tls/front.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "unit/tls/test_client.hpp"
#include "unit/tls/test_front.hpp"

namespace gims::tls {
namespace {

using test::TestClient;
using test::TestFront;
using namespace std::chrono_literals;

bool is_closed(const sys::Fd& client) { return client && test::read_to_end(client.get()).empty(); }

// A front that does not serve yet, and what it needs.
struct Unserved {
  explicit Unserved(const FrontOptions& options = test::loopback_options())
      : front(Front::create(options, source, sink, clock)) {}
  SystemClock clock;
  test::FixedLeafSource source;
  test::QueueSink sink;
  Result<std::unique_ptr<Front>> front;
};

TEST(Front, NothingListensBeforeServe) {
  const Unserved unserved;
  ASSERT_TRUE(unserved.front);
  Front& front = **unserved.front;
  const std::uint16_t port = front.ports().at(0);
  EXPECT_FALSE(test::tcp_connect(port));
  ASSERT_TRUE(front.serve());
  EXPECT_TRUE(TestClient::connect(port));
}

TEST(Front, WithoutALeafItDoesNotServeAndMayTryAgain) {
  const SystemClock clock;
  test::TestLeafSource source(clock, 3'600'000);
  test::QueueSink sink;
  const auto front = Front::create(test::loopback_options(), source, sink, clock);
  ASSERT_TRUE(front);
  source.fails = true;
  EXPECT_EQ((*front)->serve().error().code, "GIMS_KEYD_GONE");
  EXPECT_FALSE(test::tcp_connect((*front)->ports().at(0)));
  source.fails = false;
  EXPECT_TRUE((*front)->serve());
  EXPECT_TRUE(TestClient::connect((*front)->ports().at(0)));
}

TEST(Front, EachListenerIsADoor) {
  FrontOptions options = test::loopback_options();
  options.listeners.push_back({.door = sys::Door::console, .address = "127.0.0.1", .port = 0});
  TestFront front(options);
  const auto client = TestClient::connect(front.front->ports().at(1));
  ASSERT_TRUE(client);
  const auto delivered = front.sink.next();
  ASSERT_TRUE(delivered);
  EXPECT_EQ(delivered->handover.door, sys::Door::console);
}

TEST(Front, AUsedPortIsAFailure) {
  const TestFront first;
  FrontOptions options = test::loopback_options();
  options.listeners[0].port = first.port();
  EXPECT_EQ(Unserved(options).front.error().code, "EADDRINUSE");
}

TEST(Front, OfTwoThatBoundAPortTheSecondIsTold) {
  const Unserved first;
  ASSERT_TRUE(first.front);
  FrontOptions options = test::loopback_options();
  options.listeners[0].port = (*first.front)->ports().at(0);
  const Unserved second(options);
  ASSERT_TRUE(second.front);
  ASSERT_TRUE((*first.front)->serve());
  EXPECT_EQ((*second.front)->serve().error().kind, ErrorKind::conflict);
}

TEST(Front, AHandshakeHasADeadline) {
  FrontOptions options = test::loopback_options();
  options.handshake_deadline = 200ms;
  const TestFront front(options);
  const sys::Fd silent = test::tcp_connect(front.port());
  const sys::Fd half = test::tcp_connect(front.port());
  // The start of a record that goes on.
  ASSERT_TRUE(test::send_all(half.get(), std::vector<std::uint8_t>{22, 3, 1, 1, 0, 1}));
  EXPECT_TRUE(is_closed(silent));
  EXPECT_TRUE(is_closed(half));
  EXPECT_EQ(front.sink.waiting(), 0U);
}

TEST(Front, ManyHandshakesThatWaitDoNotHoldOthersUp) {
  FrontOptions options = test::loopback_options();
  options.handshake_threads = 1;
  const TestFront front(options);
  std::vector<sys::Fd> waiting;
  for (int i = 0; i < 100; ++i) {
    waiting.push_back(test::tcp_connect(front.port()));
    ASSERT_TRUE(test::send_all(waiting.back().get(), std::vector<std::uint8_t>{22, 3, 1, 1, 0, 1}));
  }
  EXPECT_TRUE(TestClient::connect(front.port()));
}

TEST(Front, ConnectionsOfAnAddressAreLimitedAndTheNewestIsClosed) {
  FrontOptions options = test::loopback_options();
  options.connections_per_address = 2;
  TestFront front(options);
  auto first = TestClient::connect(front.port());
  const auto second = TestClient::connect(front.port());
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(is_closed(test::tcp_connect(front.port())));
  EXPECT_EQ(front.front->status().refused, 1U);
  first->cut(false);
  EXPECT_TRUE(front.wait_for([](const FrontStatus& s) { return s.connections == 1; }));
  EXPECT_TRUE(TestClient::connect(front.port()));
}

TEST(Front, ConnectionsAreLimitedInAll) {
  FrontOptions options = test::loopback_options();
  options.connections = 1;
  const TestFront front(options);
  const auto first = TestClient::connect(front.port());
  ASSERT_TRUE(first);
  EXPECT_TRUE(is_closed(test::tcp_connect(front.port())));
}

TEST(Front, HandshakesOfAnAddressAreLimited) {
  FrontOptions options = test::loopback_options();
  options.handshakes_per_address = 2;
  TestFront front(options);
  const sys::Fd first = test::tcp_connect(front.port());
  const sys::Fd second = test::tcp_connect(front.port());
  EXPECT_TRUE(is_closed(test::tcp_connect(front.port())));
  EXPECT_EQ(front.front->status().handshakes, 2U);
  // A completed one does not count.
  EXPECT_EQ(::shutdown(first.get(), SHUT_RDWR), 0);
  EXPECT_TRUE(front.wait_for([](const FrontStatus& s) { return s.handshakes == 1; }));
  const auto third = TestClient::connect(front.port());
  EXPECT_TRUE(third);
  EXPECT_TRUE(front.wait_for([](const FrontStatus& s) { return s.handshakes == 1; }));
  EXPECT_TRUE(TestClient::connect(front.port()));
}

TEST(Front, AFewAddressesThatHoldEveryHandshakeShutNobodyOut) {
  FrontOptions options = test::loopback_options();
  options.handshakes = 8;
  options.handshakes_per_address = 2;
  TestFront front(options);
  std::vector<sys::Fd> silent;
  for (const std::uint8_t from : std::vector<std::uint8_t>{2, 3, 4, 5}) {
    for (int i = 0; i < 2; ++i) silent.push_back(test::tcp_connect(front.port(), from));
  }
  ASSERT_TRUE(front.wait_for([](const FrontStatus& s) { return s.handshakes == 8; }));
  // More often than there are places: each handshake ends and gives its place back.
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(TestClient::connect(front.port())) << i;
    EXPECT_TRUE(front.wait_for([](const FrontStatus& s) { return s.handshakes == 7; }));
  }
  EXPECT_TRUE(is_closed(silent.front())) << "the oldest gave way";
  EXPECT_EQ(front.front->status().evicted, 1U);
  EXPECT_EQ(front.front->status().refused, 0U);
}

TEST(Front, AFewAddressesThatHoldEveryConnectionShutNobodyOut) {
  FrontOptions options = test::loopback_options();
  options.connections = 6;
  TestFront front(options);
  std::vector<std::unique_ptr<TestClient>> held;
  std::vector<sys::Fd> delivered;
  for (const std::uint8_t from : std::vector<std::uint8_t>{2, 2, 2, 3, 3, 3}) {
    held.push_back(TestClient::connect(front.port(), TestClient::Version::tls13, false, from));
    ASSERT_TRUE(held.back() && held.back()->write(std::string("x")));
    auto next = front.sink.next();
    ASSERT_TRUE(next);
    char byte = 0;
    ASSERT_EQ(::recv(next->connection.get(), &byte, 1, 0), 1);
    delivered.push_back(std::move(next->connection));
  }
  std::vector<std::unique_ptr<TestClient>> newcomers;
  for (const std::uint8_t from : std::vector<std::uint8_t>{4, 5, 6}) {
    newcomers.push_back(TestClient::connect(front.port(), TestClient::Version::tls13, false, from));
    ASSERT_TRUE(newcomers.back() && newcomers.back()->write(std::string("x"))) << int{from};
    auto next = front.sink.next();
    ASSERT_TRUE(next);
    char byte = 0;
    ASSERT_EQ(::recv(next->connection.get(), &byte, 1, 0), 1);
    delivered.push_back(std::move(next->connection));
  }
  // One and two of the first are left.
  EXPECT_TRUE(front.wait_for([](const FrontStatus& s) { return s.evicted == 3; }));
  EXPECT_TRUE(held[0]->read(1).empty()) << "it was idle for the longest time";
  EXPECT_FALSE(TestClient::connect(front.port(), TestClient::Version::tls13, false, 4))
      << "who has one already takes none of those that have no more";
  EXPECT_EQ(front.front->status().evicted, 3U);
}

TEST(Front, WhatTheSinkDoesNotTakeIsClosedWithCloseNotify) {
  TestFront front;
  front.sink.refuse(true);
  const auto refused = TestClient::connect(front.port());
  ASSERT_TRUE(refused);
  EXPECT_TRUE(refused->read(1).empty());
  EXPECT_TRUE(refused->ended_with_close_notify());
  front.sink.refuse(false);
  EXPECT_TRUE(TestClient::connect(front.port()));
  EXPECT_TRUE(front.sink.next());
}

TEST(Front, AnExpiredLeafRefusesHandshakes) {
  test::ManualClock clock;
  test::TestLeafSource source(clock, 60'000);
  test::QueueSink sink;
  const auto front = Front::start(test::loopback_options(), source, sink, clock);
  ASSERT_TRUE(front);
  const std::uint16_t port = (*front)->ports().at(0);
  EXPECT_TRUE(TestClient::connect(port));
  source.fails = true;
  clock.advance(60s);
  EXPECT_FALSE(TestClient::connect(port));
}

TEST(Front, StopIsIdempotentAndMayComeBeforeServe) {
  const Unserved unserved;
  ASSERT_TRUE(unserved.front);
  (*unserved.front)->stop();
  (*unserved.front)->stop();
}

}  // namespace
}  // namespace gims::tls
