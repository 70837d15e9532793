#include "http/listener.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>

#include "site.hpp"
#include "support/temp_folder.hpp"
#include "sys/handover.hpp"
#include "sys/message.hpp"

namespace gims::http {
namespace {

using test::Client;
using test::get;
using test::route;
using test::Site;
using test::text_response;

// Says who it takes the peer for.
Handler who() {
  return [](Responder responder) {
    const Peer& peer = responder.request().peer;
    std::move(responder).reply(
        text_response(200, peer.address + "/" + (peer.uid ? std::to_string(*peer.uid) : "-")));
  };
}

std::vector<Route> at_every_door() {
  std::vector<Route> routes;
  for (Door door : {Door::client, Door::console, Door::admin}) {
    auto made = route(Method::get, "/who", who());
    made.door = door;
    routes.push_back(made);
  }
  return routes;
}

Listener::Adopt to(Site& site) {
  return [&site](Incoming connection, Peer peer) {
    site.server().adopt(std::move(connection), std::move(peer));
  };
}

sys::Fd connect_to(std::uint16_t port) {
  sys::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

TEST(Listener, TakesTcpConnections) {
  Site site(at_every_door());
  auto port = sys::tcp_listen("127.0.0.1", 0);
  ASSERT_TRUE(port);
  auto listener = Listener::tcp(std::move(port->fd), Door::client, to(site));
  ASSERT_TRUE(listener);
  for (int i = 0; i < 3; ++i) {
    Client client(connect_to(port->port));
    EXPECT_EQ(client.ask(get("/who"))->body, "127.0.0.1/-");
  }
}

TEST(Listener, ClosesATlsHandshakeAtOnce) {
  Site site(at_every_door());
  auto port = sys::tcp_listen("127.0.0.1", 0);
  auto listener = Listener::tcp(std::move(port->fd), Door::client, to(site));
  Client client(connect_to(port->port));
  client.send("\x16");
  EXPECT_TRUE(client.closed_by_server());
  EXPECT_EQ(site.server().connections(), 0U);
}

TEST(Listener, KnowsTheUidOnTheAdminSocket) {
  Site site(at_every_door());
  const gims::test::TempFolder folder;
  auto socket = sys::stream_listen(folder.file("socket"), 0600);
  ASSERT_TRUE(socket);
  auto listener = Listener::local(std::move(*socket), Door::admin, to(site));
  auto connected = sys::stream_connect(folder.file("socket"), sys::Blocking::yes);
  ASSERT_TRUE(connected);
  Client client(std::move(*connected));
  EXPECT_EQ(client.ask(get("/who"))->body, "/" + std::to_string(::getuid()));
}

class IntakeTest : public ::testing::Test {
 protected:
  sys::Fd dial(uid_t expected) {
    auto socket = sys::seqpacket_listen(folder_.file("socket"), 0600);
    EXPECT_TRUE(socket);
    auto listener = Listener::intake(std::move(*socket), expected, to(site_));
    EXPECT_TRUE(listener);
    listener_ = std::move(*listener);
    auto connected = sys::seqpacket_connect(folder_.file("socket"), sys::Blocking::yes);
    EXPECT_TRUE(connected);
    return std::move(*connected);
  }
  // Whether the intake has hung up.
  static bool cut(const sys::Fd& sender) {
    char byte = 0;
    return ::recv(sender.get(), &byte, 1, 0) <= 0;
  }
  static std::array<std::uint8_t, sys::handover_size> handover(sys::Door door) {
    return sys::encode_handover({.door = door,
                                 .carriage = sys::Carriage::pump,
                                 .peer = {.ip = *sys::IpAddress::parse("192.0.2.7"), .port = 4711},
                                 .tls_version = 0x0304,
                                 .cipher_suite = 0x1301});
  }

  Site site_{at_every_door()};
  gims::test::TempFolder folder_;
  std::unique_ptr<Listener> listener_;
};

TEST_F(IntakeTest, AdoptsWhatIsHandedOver) {
  const auto sender = dial(::getuid());
  for (sys::Door door : {sys::Door::client, sys::Door::console}) {
    auto pair = sys::stream_pair(sys::Blocking::yes);
    ASSERT_TRUE(sys::send_message(sender.get(), handover(door), std::array{pair->first.get()}));
    pair->first.reset();
    Client client(std::move(pair->second));
    EXPECT_EQ(client.ask(get("/who"))->body, "192.0.2.7/-");
  }
}

TEST_F(IntakeTest, CutsASenderOfOtherThings) {
  const auto sender = dial(::getuid());
  auto pair = sys::stream_pair(sys::Blocking::yes);
  auto bytes = handover(sys::Door::client);
  bytes[0] = 'X';
  ASSERT_TRUE(sys::send_message(sender.get(), bytes, std::array{pair->first.get()}));
  EXPECT_TRUE(cut(sender));
}

TEST_F(IntakeTest, CutsASenderWithoutADescriptor) {
  const auto sender = dial(::getuid());
  ASSERT_TRUE(sys::send_message(sender.get(), handover(sys::Door::client)));
  EXPECT_TRUE(cut(sender));
}

TEST_F(IntakeTest, CutsASenderOfMoreDescriptorsThanItSays) {
  const auto sender = dial(::getuid());
  auto pair = sys::stream_pair(sys::Blocking::yes);
  ASSERT_TRUE(sys::send_message(sender.get(), handover(sys::Door::client),
                                std::array{pair->first.get(), pair->second.get()}));
  EXPECT_TRUE(cut(sender));
}

// It would be answered in the clear.
TEST_F(IntakeTest, CutsASenderOfASocketThatIsNotEncryptedAsItSays) {
  const auto port = sys::tcp_listen("127.0.0.1", 0);
  const auto tcp = connect_to(port->port);
  for (const bool with_tether : {true, false}) {
    listener_.reset();
    const auto sender = dial(::getuid());
    auto bytes = handover(sys::Door::client);
    bytes[4] = static_cast<std::uint8_t>(sys::Carriage::ktls);
    auto pair = sys::stream_pair(sys::Blocking::yes);
    const std::array fds{tcp.get(), pair->first.get()};
    ASSERT_TRUE(sys::send_message(sender.get(), bytes, std::span(fds).first(with_tether ? 2 : 1)));
    EXPECT_TRUE(cut(sender));
    EXPECT_EQ(site_.server().connections(), 0U);
  }
}

TEST_F(IntakeTest, CutsAnotherUser) {
  const auto sender = dial(::getuid() + 1);
  EXPECT_TRUE(cut(sender));
}

}  // namespace
}  // namespace gims::http
