// Unix and TCP sockets. Every descriptor made here is close-on-exec.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "sys/address.hpp"
#include "sys/fd.hpp"

namespace gims::sys {

// Who is at the other end of a Unix socket, as the kernel noted at connect or socketpair time.
struct PeerCredentials {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};

enum class Blocking : bool { no, yes };

// Listening Unix sockets (non-blocking). A socket file left by an earlier process is replaced when
// no one answers on it; a live one is a failure (EADDRINUSE), as is a path that is not a socket.
// The file has exactly `mode` from the moment it can be connected to. The path may hold 107 bytes
// (unix(7)).
[[nodiscard]] Result<Fd> seqpacket_listen(const std::string& path, mode_t mode);
[[nodiscard]] Result<Fd> stream_listen(const std::string& path, mode_t mode);

// The first half of it: the socket is in its place, and who connects is refused (ECONNREFUSED).
class BoundSocket {
 public:
  [[nodiscard]] static Result<BoundSocket> seqpacket(const std::string& path, mode_t mode);
  [[nodiscard]] static Result<BoundSocket> stream(const std::string& path, mode_t mode);
  // The second. Fails (EADDRINUSE) when another process, which could not know of this one, has put
  // its own socket there meanwhile.
  [[nodiscard]] Result<Fd> listen() &&;

 private:
  friend Result<BoundSocket> bind_unix(const std::string& path, int type, mode_t mode);
  BoundSocket(Fd fd, std::string path, ino_t file)
      : fd_(std::move(fd)), path_(std::move(path)), file_(file) {}
  Fd fd_;
  std::string path_;
  ino_t file_ = 0;
};

// A failed connect keeps the errno name as the code: ENOENT and ECONNREFUSED mean that no one is
// there.
[[nodiscard]] Result<Fd> seqpacket_connect(const std::string& path, Blocking blocking);
[[nodiscard]] Result<Fd> stream_connect(const std::string& path, Blocking blocking);

// Two connected ends.
[[nodiscard]] Result<std::pair<Fd, Fd>> stream_pair(Blocking blocking);
[[nodiscard]] Result<std::pair<Fd, Fd>> seqpacket_pair(Blocking blocking);

// Takes one waiting connection, non-blocking or not; nothing when none is waiting or the peer went
// before it was taken. EMFILE, ENFILE, ENOBUFS and ENOMEM are failures with that code: the caller
// must pause, as the connection stays in the queue and a loop would spin.
[[nodiscard]] Result<std::optional<Fd>> accept(int listener, Blocking blocking);

[[nodiscard]] Result<PeerCredentials> peer_credentials(int unix_socket);

// The name that the other end of a Unix socket bound itself to in the abstract namespace (unix(7)),
// without the NUL before it: whatever that process chose. Empty: none.
[[nodiscard]] std::string abstract_name_of_peer(int unix_socket);

struct TcpListenOptions {
  // Several sockets on one port, among which the kernel spreads connections.
  bool reuse_port = false;
  // False: bound only; the port refuses connections until listen_on().
  bool listen = true;
  int backlog = 1024;
};
struct TcpListener {
  Fd fd;
  // The port that was bound: for port 0, the one the kernel chose.
  std::uint16_t port = 0;
};
// Non-blocking. An IPv6 address takes IPv6 connections alone; "::" is for IPv6, "0.0.0.0" for IPv4.
[[nodiscard]] Result<TcpListener> tcp_listen(const std::string& address, std::uint16_t port,
                                             const TcpListenOptions& options = {});
[[nodiscard]] Result<> listen_on(int bound, int backlog);

struct TcpConnection {
  Fd fd;
  SocketAddress peer;
};
// As accept(), with the peer's address; non-blocking, TCP_NODELAY set.
[[nodiscard]] Result<std::optional<TcpConnection>> tcp_accept(int listener);

}  // namespace gims::sys
