#include "tls/pump.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "sys/harden.hpp"
#include "unit/tls/test_client.hpp"
#include "unit/tls/test_front.hpp"

namespace gims::tls {
namespace {

using test::TestClient;
using test::TestFront;
using namespace std::chrono_literals;

// Sends everything back until the end, then ends too.
void echo(int fd) {
  std::vector<std::uint8_t> part(64 * 1024);
  for (;;) {
    const ssize_t got = ::recv(fd, part.data(), part.size(), 0);
    if (got <= 0) break;
    if (!test::send_all(fd, std::span(part).first(static_cast<std::size_t>(got)))) break;
  }
  ::shutdown(fd, SHUT_WR);
}

struct Connected {
  std::unique_ptr<TestClient> client;
  sys::Fd server;
};

Connected connect(TestFront& front, TestClient::Version version = TestClient::Version::tls13,
                  bool small_window = false) {
  Connected both{.client = TestClient::connect(front.port(), version, small_window), .server = {}};
  auto delivered = front.sink.next();
  if (delivered) both.server = std::move(delivered->connection);
  return both;
}

class Pump : public ::testing::TestWithParam<TestClient::Version> {};
INSTANTIATE_TEST_SUITE_P(Versions, Pump,
                         ::testing::Values(TestClient::Version::tls12, TestClient::Version::tls13));

TEST_P(Pump, TenMegabytesGoRoundUnchanged) {
  TestFront front;
  const auto [client, server] = connect(front, GetParam());
  ASSERT_TRUE(client && server);
  const std::jthread echoing([&] { echo(server.get()); });
  const auto sent = test::pattern(10'000'000);
  // mbedTLS's session is for one thread at a time: parts that fit into the buffers on the way.
  constexpr std::size_t part = 50'000;
  for (std::size_t at = 0; at < sent.size(); at += part) {
    ASSERT_TRUE(client->write(std::span(sent).subspan(at, part)));
    const auto back = client->read(part);
    ASSERT_TRUE(std::ranges::equal(back, std::span(sent).subspan(at, part))) << at;
  }
  client->close_notify();
  EXPECT_TRUE(client->read(1).empty());
  EXPECT_TRUE(client->ended_with_close_notify());
}

TEST_P(Pump, BulkGoesEachWayUnchanged) {
  TestFront front;
  const auto [client, server] = connect(front, GetParam());
  ASSERT_TRUE(client && server);
  const auto bytes = test::pattern(10'000'000);
  {
    const std::jthread sending([&] { EXPECT_TRUE(test::send_all(server.get(), bytes)); });
    EXPECT_EQ(client->read(bytes.size()), bytes);
  }
  std::vector<std::uint8_t> received;
  {
    const std::jthread receiving([&] {
      std::vector<std::uint8_t> part(100'000);
      while (received.size() < bytes.size()) {
        const ssize_t got = ::recv(server.get(), part.data(), part.size(), 0);
        if (got <= 0) return;
        received.insert(received.end(), part.begin(), part.begin() + got);
      }
    });
    EXPECT_TRUE(client->write(bytes));
  }
  EXPECT_EQ(received, bytes);
}

TEST_P(Pump, AClientMayEndItsSideAndStillReadTheAnswer) {
  TestFront front;
  const auto [client, server] = connect(front, GetParam());
  ASSERT_TRUE(client && server);
  ASSERT_TRUE(client->write("question"));
  client->close_notify();
  EXPECT_EQ(test::read_to_end(server.get()), "question");
  const std::string answer = "answer";
  ASSERT_TRUE(
      test::send_all(server.get(), std::vector<std::uint8_t>(answer.begin(), answer.end())));
  EXPECT_EQ(client->read_text(answer.size()), answer);
}

TEST_P(Pump, TheServerMayEndItsSideAndStillRead) {
  TestFront front;
  const auto [client, server] = connect(front, GetParam());
  ASSERT_TRUE(client && server);
  ASSERT_TRUE(test::send_all(server.get(), std::vector<std::uint8_t>{'h', 'i'}));
  ::shutdown(server.get(), SHUT_WR);
  EXPECT_EQ(client->read_text(3), "hi");
  EXPECT_TRUE(client->ended_with_close_notify());
  ASSERT_TRUE(client->write("late"));
  client->close_notify();
  EXPECT_EQ(test::read_to_end(server.get()), "late");
  EXPECT_TRUE(front.wait_for([](const FrontStatus& s) { return s.connections == 0; }));
}

TEST_P(Pump, WhatAClosedServerSentStillArrives) {
  TestFront front;
  auto [client, server] = connect(front, GetParam());
  ASSERT_TRUE(client && server);
  // Unread bytes from the client make the close of the Unix socket a reset.
  ASSERT_TRUE(client->write("never read"));
  pollfd wait{.fd = server.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&wait, 1, 20'000), 1);
  const auto answer = test::pattern(100'000);
  ASSERT_TRUE(test::send_all(server.get(), answer));
  server.reset();
  EXPECT_EQ(client->read(answer.size() + 1), answer);
  EXPECT_TRUE(client->ended_with_close_notify());
  client->cut(false);
  EXPECT_TRUE(front.wait_for([](const FrontStatus& s) { return s.connections == 0; }));
}

TEST_P(Pump, ACutOrResetClientEndsTheServersSide) {
  for (const bool reset : {false, true}) {
    TestFront front;
    const auto [client, server] = connect(front, GetParam());
    ASSERT_TRUE(client && server);
    ASSERT_TRUE(client->write("x"));
    char byte = 0;
    ASSERT_EQ(::recv(server.get(), &byte, 1, 0), 1);
    client->cut(reset);
    EXPECT_EQ(test::read_to_end(server.get()), "");
    EXPECT_TRUE(front.wait_for([](const FrontStatus& s) { return s.connections == 0; }));
  }
}

TEST_P(Pump, ABadRecordEndsTheConnection) {
  TestFront front;
  const auto [client, server] = connect(front, GetParam());
  ASSERT_TRUE(client && server);
  // Application data of 32 bytes that no key made.
  std::vector<std::uint8_t> record(5 + 32, 0x5a);
  const std::array<std::uint8_t, 5> header{23, 3, 3, 0, 32};
  std::ranges::copy(header, record.begin());
  ASSERT_TRUE(test::send_all(client->fd(), record));
  EXPECT_EQ(test::read_to_end(server.get()), "");
  EXPECT_TRUE(client->read(1).empty());
  EXPECT_FALSE(client->ended_with_close_notify());
}

TEST_P(Pump, ASlowReaderHoldsTheServerBackAndLosesNothing) {
  TestFront front;
  const auto [client, server] = connect(front, GetParam(), true);
  ASSERT_TRUE(client && server);
  const auto bytes = test::pattern(64'000'000);
  std::size_t taken = 0;
  for (;;) {
    pollfd wait{.fd = server.get(), .events = POLLOUT, .revents = 0};
    // Nothing more is taken for half a second: everything on the way is full.
    if (taken == bytes.size() || ::poll(&wait, 1, 500) == 0) break;
    const ssize_t sent = ::send(server.get(), bytes.data() + taken, bytes.size() - taken,
                                MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) taken += static_cast<std::size_t>(sent);
  }
  // The socket pair, 16 KiB in the pump, and the kernel's send room for TCP (tcp_wmem: 4 MiB).
  EXPECT_LT(taken, 16'000'000U);
  ::shutdown(server.get(), SHUT_WR);
  const auto got = client->read(bytes.size());
  EXPECT_TRUE(client->ended_with_close_notify());
  ASSERT_EQ(got.size(), taken);
  EXPECT_TRUE(std::ranges::equal(got, std::span(bytes).first(taken)));
}

TEST_P(Pump, ASlowServerHoldsTheClientBackAndLosesNothing) {
  TestFront front;
  const auto [client, server] = connect(front, GetParam());
  ASSERT_TRUE(client && server);
  const auto bytes = test::pattern(30'000'000);
  std::jthread sending([&] { EXPECT_TRUE(client->write(bytes)); });
  // Small parts, so that the socket pair is full most of the time.
  std::vector<std::uint8_t> received;
  std::vector<std::uint8_t> part(7'919);
  while (received.size() < bytes.size()) {
    const ssize_t got = ::recv(server.get(), part.data(), part.size(), 0);
    ASSERT_GT(got, 0);
    received.insert(received.end(), part.begin(), part.begin() + got);
  }
  EXPECT_EQ(received, bytes);
}

TEST_P(Pump, BothDirectionsAtOnce) {
  TestFront front;
  const auto [client, server] = connect(front, GetParam());
  ASSERT_TRUE(client && server);
  const auto down = test::pattern(3'000'000);
  const auto up = test::pattern(100'000);
  const std::jthread sending([&] { EXPECT_TRUE(test::send_all(server.get(), down)); });
  ASSERT_TRUE(client->write(up));
  std::vector<std::uint8_t> received(up.size());
  const std::jthread receiving([&] {
    EXPECT_EQ(::recv(server.get(), received.data(), received.size(), MSG_WAITALL),
              static_cast<ssize_t>(up.size()));
  });
  EXPECT_EQ(client->read(down.size()), down);
}

TEST(PumpLoop, FiveHundredIdleConnectionsEachAnswer) {
  constexpr std::size_t count = 500;
  if (*sys::raise_open_files(4096) < 4096) GTEST_SKIP() << "the limit on open files is too low";
  TestFront front;
  std::vector<std::unique_ptr<TestClient>> clients;
  std::vector<sys::Fd> servers;
  for (std::size_t i = 0; i < count; ++i) {
    auto [client, server] = connect(front);
    ASSERT_TRUE(client && server) << i;
    clients.push_back(std::move(client));
    servers.push_back(std::move(server));
  }
  EXPECT_EQ(front.front->status().connections, count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t mark = static_cast<std::uint8_t>(i);
    ASSERT_TRUE(test::send_all(servers[i].get(), {&mark, 1}));
  }
  for (std::size_t i = 0; i < count; ++i) {
    EXPECT_EQ(clients[i]->read(1), std::vector{static_cast<std::uint8_t>(i)});
  }
}

TEST(PumpLoop, AnIdleConnectionIsEndedWithCloseNotify) {
  FrontOptions options = test::loopback_options();
  options.idle_timeout = 300ms;
  TestFront front(options);
  const auto [client, server] = connect(front);
  ASSERT_TRUE(client && server);
  EXPECT_TRUE(client->read(1).empty());
  EXPECT_TRUE(client->ended_with_close_notify());
  EXPECT_EQ(test::read_to_end(server.get()), "");
  EXPECT_EQ(front.front->status().connections, 0U);
}

TEST(PumpLoop, AClientThatDoesNotEndItsSideIsLeft) {
  FrontOptions options = test::loopback_options();
  options.linger = 100ms;
  TestFront front(options);
  auto [client, server] = connect(front);
  ASSERT_TRUE(client && server);
  server.reset();
  EXPECT_TRUE(front.wait_for([](const FrontStatus& s) { return s.connections == 0; }));
}

TEST(PumpLoop, AClientThatGoesOnSendingAfterTheEndIsCut) {
  FrontOptions options = test::loopback_options();
  options.linger = 1h;
  TestFront front(options);
  auto [client, server] = connect(front);
  ASSERT_TRUE(client && server);
  server.reset();
  EXPECT_TRUE(client->read(1).empty());
  const auto part = test::pattern(64 * 1024);
  std::size_t sent = 0;
  while (sent < 64'000'000 && client->write(part)) sent += part.size();
  EXPECT_LT(sent, 64'000'000U) << "the bound is for all that comes, not for what comes at once";
  EXPECT_TRUE(front.wait_for([](const FrontStatus& s) { return s.connections == 0; }));
}

TEST(PumpLoop, StopEndsConnectionsWithCloseNotify) {
  TestFront front;
  const auto [client, server] = connect(front);
  ASSERT_TRUE(client && server);
  const std::uint16_t port = front.port();
  std::jthread stopping([&] { front.front->stop(); });
  EXPECT_TRUE(client->read(1).empty());
  EXPECT_TRUE(client->ended_with_close_notify());
  client->cut(false);
  stopping.join();
  EXPECT_EQ(test::read_to_end(server.get()), "");
  EXPECT_FALSE(test::tcp_connect(port));
}

TEST(PumpLoop, StopDoesNotWaitForAClientThatTakesNothing) {
  FrontOptions options = test::loopback_options();
  options.stop_limit = 200ms;
  TestFront front(options);
  const auto [client, server] = connect(front, TestClient::Version::tls13, true);
  ASSERT_TRUE(client && server);
  // More than fits into all that is on the way.
  const auto bytes = test::pattern(64'000'000);
  const std::jthread sending([&] { EXPECT_FALSE(test::send_all(server.get(), bytes)); });
  pollfd wait{.fd = client->fd(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&wait, 1, 20'000), 1);
  front.front->stop();
  front.front.reset();
}

}  // namespace
}  // namespace gims::tls
