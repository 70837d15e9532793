#include "sys/socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "sys/errno.hpp"

namespace gims::sys {
namespace {

// Casts between the sockaddr types are how the interface is made (unix(7), ip(7)).
template <class T>
const sockaddr* as_sockaddr(const T& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT
}

int flags_of(Blocking blocking) {
  return SOCK_CLOEXEC | (blocking == Blocking::no ? SOCK_NONBLOCK : 0);
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path ||
      path.find('\0') != std::string::npos) {
    return fail(ErrorKind::bad_input, "ENAMETOOLONG", "A socket's path must have 1 to 107 bytes.",
                path);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<Fd> unix_connect(const std::string& path, int type, Blocking blocking) {
  GIMS_TRY_ASSIGN(const sockaddr_un address, unix_address(path));
  Fd fd(::socket(AF_UNIX, type | flags_of(blocking), 0));
  if (!fd) return fail_errno("socket AF_UNIX");
  while (::connect(fd.get(), as_sockaddr(address), sizeof address) != 0) {
    if (errno != EINTR) return fail_errno("connect " + path);
  }
  return fd;
}

// Removes a socket file that no one listens on.
Result<> remove_stale(const std::string& path, int type) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno("lstat " + path);
  }
  if (!S_ISSOCK(info.st_mode)) return fail_with_errno("not a socket: " + path, EADDRINUSE);
  const auto answer = unix_connect(path, type, Blocking::no);
  // EAGAIN: its queue is full, so there is one.
  if (answer || answer.error().code != "ECONNREFUSED") {
    return fail_with_errno("another process listens on " + path, EADDRINUSE);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("unlink " + path);
  return {};
}

Result<std::pair<Fd, Fd>> unix_pair(int type, Blocking blocking) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, type | flags_of(blocking), 0, ends) != 0) {
    return fail_errno("socketpair");
  }
  return std::pair(Fd(ends[0]), Fd(ends[1]));
}

// Failures of accept(2) that are the peer's: it went, or its network did, before it was taken.
bool is_gone(int number) {
  switch (number) {
    case EAGAIN:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

Result<std::optional<Fd>> accept_with(int listener, Blocking blocking, sockaddr* address,
                                      socklen_t* size) {
  for (;;) {
    Fd fd(::accept4(listener, address, size, flags_of(blocking)));
    if (fd) return std::optional(std::move(fd));
    if (errno == EINTR) continue;
    if (is_gone(errno)) return std::nullopt;
    return fail_errno("accept4");
  }
}

}  // namespace

Result<BoundSocket> bind_unix(const std::string& path, int type, mode_t mode) {
  GIMS_TRY_ASSIGN(const sockaddr_un address, unix_address(path));
  GIMS_TRY(remove_stale(path, type));
  Fd fd(::socket(AF_UNIX, type | flags_of(Blocking::no), 0));
  if (!fd) return fail_errno("socket AF_UNIX");
  if (::bind(fd.get(), as_sockaddr(address), sizeof address) != 0) {
    return fail_errno("bind " + path);
  }
  // Nobody can connect before listen(), so the mode is right from the first moment it matters.
  if (::chmod(path.c_str(), mode) != 0) return fail_errno("chmod " + path);
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return fail_errno("lstat " + path);
  return BoundSocket(std::move(fd), path, info.st_ino);
}

Result<BoundSocket> BoundSocket::seqpacket(const std::string& path, mode_t mode) {
  return bind_unix(path, SOCK_SEQPACKET, mode);
}
Result<BoundSocket> BoundSocket::stream(const std::string& path, mode_t mode) {
  return bind_unix(path, SOCK_STREAM, mode);
}

Result<Fd> BoundSocket::listen() && {
  struct stat info{};
  if (::lstat(path_.c_str(), &info) != 0) return fail_errno("lstat " + path_);
  if (info.st_ino != file_) {
    return fail_with_errno("another process has taken " + path_, EADDRINUSE);
  }
  if (::listen(fd_.get(), SOMAXCONN) != 0) return fail_errno("listen " + path_);
  return std::move(fd_);
}

Result<Fd> seqpacket_listen(const std::string& path, mode_t mode) {
  GIMS_TRY_ASSIGN(BoundSocket bound, BoundSocket::seqpacket(path, mode));
  return std::move(bound).listen();
}
Result<Fd> stream_listen(const std::string& path, mode_t mode) {
  GIMS_TRY_ASSIGN(BoundSocket bound, BoundSocket::stream(path, mode));
  return std::move(bound).listen();
}
Result<Fd> seqpacket_connect(const std::string& path, Blocking blocking) {
  return unix_connect(path, SOCK_SEQPACKET, blocking);
}
Result<Fd> stream_connect(const std::string& path, Blocking blocking) {
  return unix_connect(path, SOCK_STREAM, blocking);
}
Result<std::pair<Fd, Fd>> stream_pair(Blocking blocking) {
  return unix_pair(SOCK_STREAM, blocking);
}
Result<std::pair<Fd, Fd>> seqpacket_pair(Blocking blocking) {
  return unix_pair(SOCK_SEQPACKET, blocking);
}

Result<std::optional<Fd>> accept(int listener, Blocking blocking) {
  return accept_with(listener, blocking, nullptr, nullptr);
}

Result<PeerCredentials> peer_credentials(int unix_socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(unix_socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return fail_errno("getsockopt SO_PEERCRED");
  }
  // A pid of 0 is what the kernel gives for a socket that has no peer, or one of another namespace.
  if (size != sizeof peer || peer.uid == static_cast<uid_t>(-1)) {
    return fail_with_errno("no peer", ENOTCONN);
  }
  return PeerCredentials{.uid = peer.uid, .gid = peer.gid, .pid = peer.pid};
}

std::string abstract_name_of_peer(int unix_socket) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  // The same cast, of what is written to.
  auto* const to = reinterpret_cast<sockaddr*>(&address);  // NOLINT
  constexpr std::size_t start = offsetof(sockaddr_un, sun_path) + 1;
  if (::getpeername(unix_socket, to, &size) != 0 || size <= start || size > sizeof address ||
      address.sun_path[0] != '\0') {
    return {};
  }
  return {address.sun_path + 1, size - start};
}

Result<TcpListener> tcp_listen(const std::string& address, std::uint16_t port,
                               const TcpListenOptions& options) {
  GIMS_TRY_ASSIGN(const IpAddress ip, IpAddress::parse(address));
  const bool v6 = ip.family == IpAddress::Family::v6;
  Fd fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | flags_of(Blocking::no), 0));
  if (!fd) return fail_errno("socket TCP");
  const int on = 1;
  const auto set = [&](int level, int name) {
    return ::setsockopt(fd.get(), level, name, &on, sizeof on) == 0;
  };
  // Without it a restart waits for the old connections' TIME_WAIT (tcp(7)).
  if (!set(SOL_SOCKET, SO_REUSEADDR)) return fail_errno("setsockopt SO_REUSEADDR");
  if (options.reuse_port && !set(SOL_SOCKET, SO_REUSEPORT)) {
    return fail_errno("setsockopt SO_REUSEPORT");
  }
  if (v6 && !set(IPPROTO_IPV6, IPV6_V6ONLY)) return fail_errno("setsockopt IPV6_V6ONLY");

  sockaddr_storage storage{};
  socklen_t size = 0;
  if (v6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    std::memcpy(&in.sin6_addr, ip.bytes.data(), 16);
    std::memcpy(&storage, &in, size = sizeof in);
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, ip.bytes.data(), 4);
    std::memcpy(&storage, &in, size = sizeof in);
  }
  if (::bind(fd.get(), as_sockaddr(storage), size) != 0) {
    return fail_errno("bind " + SocketAddress{.ip = ip, .port = port}.to_string());
  }
  size = sizeof storage;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) {  // NOLINT
    return fail_errno("getsockname");
  }
  GIMS_TRY_ASSIGN(const SocketAddress bound, SocketAddress::from(*as_sockaddr(storage)));
  if (options.listen) GIMS_TRY(listen_on(fd.get(), options.backlog));
  return TcpListener{.fd = std::move(fd), .port = bound.port};
}

Result<> listen_on(int bound, int backlog) {
  if (::listen(bound, backlog) != 0) return fail_errno("listen");
  return {};
}

Result<std::optional<TcpConnection>> tcp_accept(int listener) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  GIMS_TRY_ASSIGN(
      std::optional<Fd> fd,
      accept_with(listener, Blocking::no, reinterpret_cast<sockaddr*>(&storage), &size));  // NOLINT
  if (!fd) return std::nullopt;
  GIMS_TRY_ASSIGN(const SocketAddress peer, SocketAddress::from(*as_sockaddr(storage)));
  const int on = 1;
  // A message is one write: Nagle would hold its end back for a round trip. Fails only when the
  // peer has gone, which the first read tells.
  ::setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return TcpConnection{.fd = *std::move(fd), .peer = peer};
}

}  // namespace gims::sys
