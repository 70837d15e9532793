#include "sys/socket.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <string>

#include "support/temp_folder.hpp"

namespace gims::sys {
namespace {

void wait_readable(int fd) {
  pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&wait, 1, 10'000), 1);
}

Result<Fd> tcp_connect(std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&in), sizeof in) != 0) {  // NOLINT
    return fail(ErrorKind::internal, errno == ECONNREFUSED ? "ECONNREFUSED" : "OTHER", "");
  }
  return fd;
}

TEST(UnixSocket, ConnectsAndTellsWhoIsThere) {
  const test::TempFolder folder;
  const auto listener = seqpacket_listen(folder.file("s"), 0660);
  ASSERT_TRUE(listener);
  EXPECT_FALSE(accept(listener->get(), Blocking::no)->has_value());
  const auto client = seqpacket_connect(folder.file("s"), Blocking::yes);
  ASSERT_TRUE(client);
  const auto server = accept(listener->get(), Blocking::no);
  ASSERT_TRUE(server && server->has_value());
  const auto peer = peer_credentials((*server)->get());
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->uid, ::getuid());
  EXPECT_EQ(peer->gid, ::getgid());
  EXPECT_EQ(peer->pid, ::getpid());
}

TEST(UnixSocket, TellsTheAbstractNameOfThePeer) {
  const test::TempFolder folder;
  const std::string path = folder.file("s");
  const auto listener = stream_listen(path, 0600);
  ASSERT_TRUE(listener);
  const auto told = [&](const sockaddr_un& own, std::size_t size) {
    const Fd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* const name = reinterpret_cast<const sockaddr*>(&own);  // NOLINT
    if (size > 0) {
      EXPECT_EQ(::bind(client.get(), name, static_cast<socklen_t>(size)), 0);
    }
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    path.copy(to.sun_path, sizeof to.sun_path - 1);
    const auto* const address = reinterpret_cast<const sockaddr*>(&to);  // NOLINT
    EXPECT_EQ(::connect(client.get(), address, sizeof to), 0);
    const auto server = accept(listener->get(), Blocking::no);
    EXPECT_TRUE(server && *server);
    return abstract_name_of_peer((*server)->get());
  };
  sockaddr_un own{};
  own.sun_family = AF_UNIX;
  EXPECT_EQ(told(own, 0), "");
  const std::string name = "95a1/cryptsetup/gims-data";
  name.copy(own.sun_path + 1, sizeof own.sun_path - 1);
  EXPECT_EQ(told(own, offsetof(sockaddr_un, sun_path) + 1 + name.size()), name);
  sockaddr_un file{};
  file.sun_family = AF_UNIX;
  folder.file("client").copy(file.sun_path, sizeof file.sun_path - 1);
  EXPECT_EQ(told(file, sizeof file), "");
}

TEST(UnixSocket, HasTheModeAskedForWhateverTheUmask) {
  const test::TempFolder folder;
  const mode_t old = ::umask(077);
  const auto listener = stream_listen(folder.file("s"), 0660);
  ::umask(old);
  ASSERT_TRUE(listener);
  struct stat info{};
  ASSERT_EQ(::stat(folder.file("s").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0660U);
}

TEST(UnixSocket, ReplacesAStaleFileButNeverALiveOneOrAnotherFile) {
  const test::TempFolder folder;
  {
    ASSERT_TRUE(seqpacket_listen(folder.file("s"), 0600));
  }
  EXPECT_EQ(seqpacket_connect(folder.file("s"), Blocking::yes).error().code, "ECONNREFUSED");
  const auto listener = seqpacket_listen(folder.file("s"), 0600);
  ASSERT_TRUE(listener);
  EXPECT_EQ(seqpacket_listen(folder.file("s"), 0600).error().code, "EADDRINUSE");
  EXPECT_TRUE(seqpacket_connect(folder.file("s"), Blocking::yes));
  std::ofstream(folder.file("plain")) << "x";
  EXPECT_EQ(stream_listen(folder.file("plain"), 0600).error().code, "EADDRINUSE");
}

TEST(UnixSocket, ABoundOneRefusesUntilItListens) {
  const test::TempFolder folder;
  auto bound = BoundSocket::seqpacket(folder.file("s"), 0600);
  ASSERT_TRUE(bound);
  EXPECT_EQ(seqpacket_connect(folder.file("s"), Blocking::yes).error().code, "ECONNREFUSED");
  const auto listener = std::move(*bound).listen();
  ASSERT_TRUE(listener);
  EXPECT_TRUE(seqpacket_connect(folder.file("s"), Blocking::yes));
}

TEST(UnixSocket, ABoundOneWhosePlaceWasTakenSaysSo) {
  const test::TempFolder folder;
  auto first = BoundSocket::stream(folder.file("s"), 0600);
  ASSERT_TRUE(first);
  // To the second it looks like one that nobody has any more.
  auto second = BoundSocket::stream(folder.file("s"), 0600);
  ASSERT_TRUE(second);
  EXPECT_EQ(std::move(*first).listen().error().code, "EADDRINUSE");
  EXPECT_TRUE(std::move(*second).listen());
}

TEST(UnixSocket, RefusesAPathThatDoesNotFit) {
  EXPECT_EQ(stream_connect(std::string(108, 'x'), Blocking::yes).error().code, "ENAMETOOLONG");
  EXPECT_EQ(stream_connect("", Blocking::yes).error().code, "ENAMETOOLONG");
  EXPECT_EQ(stream_connect("/nowhere/at/all", Blocking::yes).error().code, "ENOENT");
}

TEST(TcpSocket, ReportsThePortAndThePeer) {
  const auto listener = tcp_listen("127.0.0.1", 0);
  ASSERT_TRUE(listener);
  ASSERT_NE(listener->port, 0);
  const auto client = tcp_connect(listener->port);
  ASSERT_TRUE(client);
  wait_readable(listener->fd.get());
  const auto server = tcp_accept(listener->fd.get());
  ASSERT_TRUE(server && server->has_value());
  EXPECT_EQ((*server)->peer.ip.to_string(), "127.0.0.1");
  sockaddr_in own{};
  socklen_t size = sizeof own;
  ASSERT_EQ(::getsockname(client->get(), reinterpret_cast<sockaddr*>(&own), &size), 0);  // NOLINT
  EXPECT_EQ((*server)->peer.port, ntohs(own.sin_port));
}

TEST(TcpSocket, BoundAloneRefusesUntilItListens) {
  const auto listener = tcp_listen("127.0.0.1", 0, {.listen = false});
  ASSERT_TRUE(listener);
  EXPECT_EQ(tcp_connect(listener->port).error().code, "ECONNREFUSED");
  ASSERT_TRUE(listen_on(listener->fd.get(), 16));
  EXPECT_TRUE(tcp_connect(listener->port));
}

TEST(TcpSocket, ListensOnIpv6AloneBesideIpv4) {
  const auto v6 = tcp_listen("::1", 0);
  if (!v6 && (v6.error().code == "EADDRNOTAVAIL" || v6.error().code == "EAFNOSUPPORT")) {
    GTEST_SKIP() << "no IPv6 on this machine";
  }
  ASSERT_TRUE(v6);
  EXPECT_TRUE(tcp_listen("127.0.0.1", v6->port));
}

TEST(TcpSocket, AUsedPortIsAFailureThatNamesIt) {
  const auto first = tcp_listen("127.0.0.1", 0);
  ASSERT_TRUE(first);
  const auto second = tcp_listen("127.0.0.1", first->port);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "EADDRINUSE");
  EXPECT_NE(second.error().detail.find("127.0.0.1:" + std::to_string(first->port)),
            std::string::npos);
  EXPECT_TRUE(tcp_listen("127.0.0.1", 0, {.reuse_port = true}));
}

}  // namespace
}  // namespace gims::sys
