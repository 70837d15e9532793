// Connections whose TLS is the kernel's, from the handshake to their end. The kernel is
// fake_kernel.hpp's; that Linux does the same is tried in the appliance (image/test/ktls_test.py).
#include "sys/kernel_tls.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sys/socket.hpp"
#include "unit/tls/openssl_client.hpp"
#include "whole_way.hpp"

namespace gims::test {
namespace {

using namespace std::chrono_literals;
using Version = TestClient::Version;
using fake_kernel::Refuses;
using tls::test::Ended;
using tls::test::s_client_with_input;

using KernelTls = WholeWay;

constexpr std::string_view unclean = "unexpected eof";
const std::string last_request =
    R"(GET /who HTTP/1.1\r\nHost: gims.internal\r\nConnection: close\r\n\r\n)";

TEST_F(KernelTls, IsFoundAtTheStart) { EXPECT_TRUE(sys::kernel_has_tls()); }

TEST_F(KernelTls, IsNotFoundWhereThereIsNone) {
  fake_kernel::refuse(Refuses::everything);
  EXPECT_FALSE(sys::kernel_has_tls());
}

TEST_F(KernelTls, OpensslTalksWithEachSuite) {
  start();
  std::uint64_t talks = 0;
  for (const char* options : {"-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256",
                              "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384",
                              "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256",
                              "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256",
                              "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384",
                              "-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    const Ended ended = s_client_with_input(port(), options, last_request);
    EXPECT_EQ(ended.status, 0) << options << ended.output;
    EXPECT_TRUE(ended.output.contains("\r\n\r\n127.0.0.1")) << options << ended.output;
    EXPECT_FALSE(ended.output.contains(unclean)) << options << ended.output;
    expect_whole(++talks);
  }
  expect_connections(0);
}

TEST_F(KernelTls, ResumedSessionsTalk) {
  start();
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    const TempFolder folder;
    const std::string file = folder.file("session");
    s_client_with_input(port(), std::string(version) + " -sess_out " + file, last_request);
    const Ended again =
        s_client_with_input(port(), std::string(version) + " -sess_in " + file, last_request);
    EXPECT_TRUE(again.output.contains("Reused, TLS")) << again.output;
    EXPECT_TRUE(again.output.contains("\r\n\r\n127.0.0.1")) << again.output;
  }
  expect_whole(4);
}

TEST_F(KernelTls, ManyRecordsGoBothWays) {
  start();
  for (const Version version : {Version::tls12, Version::tls13}) {
    const auto client = connect(version);
    ASSERT_TRUE(client);
    const auto bytes = tls::test::pattern(1'000'000);
    const std::string body(bytes.begin(), bytes.end());
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(client->write(http::test::post("/echo", body)));
      std::string answer;
      while (!answer.contains("\r\n\r\n")) {
        const std::string byte = client->read_text(1);
        ASSERT_FALSE(byte.empty());
        answer += byte;
      }
      EXPECT_EQ(client->read_text(body.size()), body);
    }
  }
}

// Between a client and the front: what the client sends after its ClientHello goes on in one piece,
// once it has the Finished and a record of content in it.
class Joiner {
 public:
  explicit Joiner(std::uint16_t to) : listener_(*sys::tcp_listen("127.0.0.1", 0)) {
    thread_ = std::jthread([this, to] { run(to); });
  }
  std::uint16_t port() const { return listener_.port; }

 private:
  // Of TLS 1.3, where the encrypted part of a handshake looks like content.
  static int encrypted_records(const std::string& bytes) {
    int count = 0;
    for (std::size_t at = 0; at + 5 <= bytes.size();) {
      const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[at + i]); };
      const std::size_t next = at + 5 + (std::size_t{byte(3)} << 8U) + byte(4);
      if (next <= bytes.size() && byte(0) == 23) ++count;
      at = next;
    }
    return count;
  }
  void run(std::uint16_t to) const {
    pollfd waiting{.fd = listener_.fd.get(), .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, 20'000);
    const auto accepted = sys::tcp_accept(listener_.fd.get());
    const sys::Fd front = tls::test::tcp_connect(to);
    if (!accepted || !*accepted || !front) return;
    const int client = (*accepted)->fd.get();
    bool begun = false;
    bool joined = false;
    std::string held;
    std::array<char, 20'000> room{};
    for (;;) {
      std::array<pollfd, 2> ends{pollfd{.fd = client, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = front.get(), .events = POLLIN, .revents = 0}};
      if (::poll(ends.data(), ends.size(), 20'000) <= 0) return;
      for (std::size_t i = 0; i < ends.size(); ++i) {
        if (ends.at(i).revents == 0) continue;
        const ssize_t got = ::recv(ends.at(i).fd, room.data(), room.size(), 0);
        if (got <= 0) return;
        std::string part(room.data(), static_cast<std::size_t>(got));
        if (i == 0 && begun && !joined) {
          held += std::exchange(part, {});
          joined = encrypted_records(held) == 2;
          if (joined) part = held;
        }
        begun = begun || i == 0;
        tls::test::send_all(i == 0 ? front.get() : client,
                            std::vector<std::uint8_t>(part.begin(), part.end()));
      }
    }
  }
  sys::TcpListener listener_;
  std::jthread thread_;
};

TEST_F(KernelTls, ARequestThatComesWithTheFinishedIsAnswered) {
  start();
  const Joiner joiner(port());
  const auto client = connect_to(joiner.port());
  ASSERT_TRUE(client);
  EXPECT_EQ(ask(*client), "127.0.0.1");
  EXPECT_EQ(ask(*client), "127.0.0.1");
  expect_whole(1);
  client->cut(false);
}

TEST_F(KernelTls, NewKeysEndTheConnectionCleanly) {
  start();
  for (const char* command : {"{keyup:req}", "{keyup:noreq}"}) {
    const Ended ended = s_client_with_input(
        port(), "-tls1_3 -adv",
        R"(GET /who HTTP/1.1\r\nHost: gims.internal\r\n\r\n)" + std::string(command));
    EXPECT_EQ(ended.status, 0) << ended.output;
    EXPECT_FALSE(ended.output.contains(unclean)) << ended.output;
    expect_connections(0);
  }
  expect_whole(2);
}

TEST_F(KernelTls, RenegotiationEndsTheConnection) {
  start();
  const Ended ended = s_client_with_input(port(), "-tls1_2", "R\\n");
  EXPECT_TRUE(ended.output.contains("RENEGOTIATING")) << ended.output;
  EXPECT_FALSE(ended.output.contains(unclean)) << ended.output;
  expect_connections(0);
  expect_whole(1);
}

TEST_F(KernelTls, AnAlertEndsTheConnectionCleanly) {
  start();
  for (const Version version : {Version::tls12, Version::tls13}) {
    const auto client = connect(version);
    ASSERT_TRUE(client);
    EXPECT_EQ(ask(*client), "127.0.0.1");
    client->close_notify();
    EXPECT_TRUE(is_ended(*client));
    expect_connections(0);
  }
}

TEST_F(KernelTls, ARecordOfOtherKeysEndsTheConnectionCleanly) {
  start();
  const auto client = connect();
  ASSERT_TRUE(client);
  const std::string record = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
  ASSERT_EQ(::send(client->fd(), record.data(), record.size(), MSG_NOSIGNAL), 37);
  EXPECT_TRUE(is_ended(*client));
  expect_connections(0);
}

TEST_F(KernelTls, AClientThatEndsTcpIsForgotten) {
  start();
  for (const bool reset : {false, true}) {
    const auto client = connect();
    ASSERT_TRUE(client);
    EXPECT_EQ(ask(*client), "127.0.0.1");
    client->cut(reset);
    expect_connections(0);
  }
}

TEST_F(KernelTls, AClientThatGoesWhileItWaitsIsNoticed) {
  start();
  const auto client = connect();
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->write(http::test::get("/wait")));
  expect_waiter();
  client->close_notify();
  client->cut(false);
  expect_gone();
  expect_connections(0);
}

TEST_F(KernelTls, APlaceIsHeldAsLongAsTheConnection) {
  auto limited = options();
  limited.connections_per_address = 2;
  start(std::move(limited));
  const auto first = connect();
  const auto second = connect();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(ask(*first), "127.0.0.1");
  EXPECT_EQ(ask(*second), "127.0.0.1");
  expect_whole(2);
  EXPECT_FALSE(connect());
  expect_connections(2);
  first->close_notify();
  EXPECT_TRUE(is_ended(*first));
  first->cut(false);
  expect_connections(1);
  const auto third = connect();
  ASSERT_TRUE(third);
  EXPECT_EQ(ask(*third), "127.0.0.1");
}

TEST_F(KernelTls, GivesWayToANewcomerOfAnotherAddress) {
  auto limited = options();
  limited.connections = 2;
  // One loop tells in which order its connections were in use; two do so each for itself.
  start(std::move(limited), {.loops = 1});
  const auto first = connect();
  ASSERT_TRUE(first);
  EXPECT_EQ(ask(*first), "127.0.0.1");
  // A request in work is no shelter.
  ASSERT_TRUE(first->write(http::test::get("/wait")));
  expect_waiter();
  const auto second = connect();
  ASSERT_TRUE(second);
  EXPECT_EQ(ask(*second), "127.0.0.1");
  const auto other = connect(Version::tls13, 2);
  ASSERT_TRUE(other);
  EXPECT_EQ(ask(*other), "127.0.0.2");
  EXPECT_TRUE(is_ended(*first));
  expect_gone();
  EXPECT_EQ(ask(*second), "127.0.0.1");
  EXPECT_EQ(front().status().evicted, 1U);
  expect_connections(2);
}

TEST_F(KernelTls, AnIdleConnectionIsClosedByGimsd) {
  start(options(), {.idle_timeout = 1s});
  for (const Version version : {Version::tls12, Version::tls13}) {
    const auto client = connect(version);
    ASSERT_TRUE(client);
    EXPECT_TRUE(is_ended(*client));
    expect_connections(0);
  }
}

TEST_F(KernelTls, ARecordThatNeverComesToItsEndIsIdle) {
  start(options(), {.idle_timeout = 1s});
  const auto client = connect();
  ASSERT_TRUE(client);
  ASSERT_EQ(::send(client->fd(), "\x17\x03\x03\x40", 4, MSG_NOSIGNAL), 4);
  EXPECT_TRUE(is_ended(*client));
  expect_connections(0);
}

TEST_F(KernelTls, AReplyArrivesThoughTheClientGoesOnSending) {
  start();
  const auto client = connect();
  ASSERT_TRUE(client);
  ASSERT_TRUE(client->write("GET /who HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" +
                            std::string(500'000, 'x')));
  std::string answer;
  while (!answer.ends_with("\r\n\r\n127.0.0.1")) {
    const std::string byte = client->read_text(1);
    ASSERT_FALSE(byte.empty()) << answer;
    answer += byte;
  }
  EXPECT_TRUE(is_ended(*client));
  client->cut(false);
  expect_connections(0);
}

TEST_F(KernelTls, TheFrontsEndEndsThemCleanly) {
  start();
  const auto client = connect();
  ASSERT_TRUE(client);
  EXPECT_EQ(ask(*client), "127.0.0.1");
  front().stop();
  EXPECT_TRUE(is_ended(*client));
  expect_connections(0);
}

TEST_F(KernelTls, GimsdsEndEndsThemCleanly) {
  start();
  const auto client = connect();
  ASSERT_TRUE(client);
  EXPECT_EQ(ask(*client), "127.0.0.1");
  server().stop();
  EXPECT_TRUE(is_ended(*client));
  expect_connections(0);
}

TEST_F(KernelTls, WithoutGimsdTheClientIsToldAndThePlaceIsFree) {
  start();
  stop_intake();
  const auto client = connect();
  ASSERT_TRUE(client);
  EXPECT_TRUE(is_ended(*client));
  expect_connections(0);
  EXPECT_EQ(front().status().refused, 1U);
}

TEST_F(KernelTls, WhatTheKernelRefusesIsPumped) {
  start();
  for (const Refuses what : {Refuses::everything, Refuses::sending}) {
    fake_kernel::refuse(what);
    for (const Version version : {Version::tls12, Version::tls13}) {
      const auto client = connect(version);
      ASSERT_TRUE(client);
      EXPECT_EQ(ask(*client), "127.0.0.1");
    }
  }
  EXPECT_TRUE(
      tls::test::TestFront::wait_for_status([&] { return front().status().delivered == 4; }));
  EXPECT_EQ(front().status().kernel, 0U);
}

TEST_F(KernelTls, AHalfInstalledConnectionIsClosed) {
  start();
  fake_kernel::refuse(Refuses::receiving);
  const auto client = connect();
  ASSERT_TRUE(client);
  EXPECT_TRUE(client->read_text(1).empty());
  expect_connections(0);
  EXPECT_EQ(front().status().delivered, 0U);
}

}  // namespace
}  // namespace gims::test
