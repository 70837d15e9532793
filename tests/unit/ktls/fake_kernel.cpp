#include "fake_kernel.hpp"

#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "unit/tls/kernel_record.hpp"

namespace gims::test::fake_kernel {
namespace {

using tls::test::Bytes;
using tls::test::KernelRecord;

constexpr std::uint8_t application_data = 23;
constexpr std::size_t most_content = 16384;
constexpr std::size_t most_record = 5 + 16384 + 256;

struct Socket {
  bool layered = false;  // TCP_ULP
  std::optional<KernelRecord> sending;
  std::optional<KernelRecord> receiving;
  Bytes begun;     // a record that is not whole
  Bytes content;   // read and not yet taken
  int broken = 0;  // what recv() gives from here on
  int error = 0;   // SO_ERROR, without which nothing is sent
};

std::mutex mutex;
std::map<std::uint64_t, Socket> sockets;  // by SO_COOKIE: descriptors come and go
std::atomic<std::size_t> layered{0};
std::atomic<std::size_t> given{0};
std::atomic<Refuses> refuses{Refuses::nothing};

int real_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  return static_cast<int>(::syscall(SYS_getsockopt, fd, level, name, value, size));
}
ssize_t real_recv(int fd, void* into, std::size_t size, int flags) {
  return ::syscall(SYS_recvfrom, fd, into, size, flags, nullptr, nullptr);
}

// One thread at a time has a socket, so that what it finds is its own.
Socket* find(int fd) {
  if (layered == 0) return nullptr;
  const int error = errno;
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  const bool known = real_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0;
  errno = error;
  const std::lock_guard lock(mutex);
  const auto found = known ? sockets.find(cookie) : sockets.end();
  return found == sockets.end() ? nullptr : &found->second;
}

int fail(int error) {
  errno = error;
  return -1;
}

int layer(int fd) {
  if (refuses == Refuses::everything) return fail(ENOENT);
  tcp_info info{};
  socklen_t size = sizeof info;
  if (real_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return fail(EOPNOTSUPP);
  if (info.tcpi_state != TCP_ESTABLISHED) return fail(ENOTCONN);
  std::uint64_t cookie = 0;
  size = sizeof cookie;
  real_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size);
  const std::lock_guard lock(mutex);
  sockets[cookie].layered = true;
  ++layered;
  return 0;
}

int give(int fd, int which, const void* info, socklen_t size) {
  Socket* socket = find(fd);
  if (socket == nullptr) return fail(ENOPROTOOPT);
  if (refuses == (which == TLS_TX ? Refuses::sending : Refuses::receiving)) return fail(EINVAL);
  auto keys = KernelRecord::from_info({static_cast<const std::uint8_t*>(info), size});
  if (!keys) return fail(EINVAL);
  (which == TLS_TX ? socket->sending : socket->receiving) = std::move(keys);
  if (which == TLS_RX) ++given;
  return 0;
}

// As a socket that takes all: the tests' clients read.
bool send_all(int fd, const Bytes& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t sent = ::syscall(SYS_sendto, fd, bytes.data() + done, bytes.size() - done,
                                   MSG_NOSIGNAL, nullptr, 0);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) done += static_cast<std::size_t>(sent);
    pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
    if (sent < 0 && ::poll(&room, 1, 20'000) <= 0) return false;
  }
  return true;
}

ssize_t send_records(int fd, Socket& socket, std::uint8_t type, const Bytes& content) {
  if (socket.error != 0) return fail(socket.error);
  for (std::size_t begin = 0; begin < content.size(); begin += most_content) {
    const auto part =
        std::span(content).subspan(begin, std::min(most_content, content.size() - begin));
    if (!send_all(fd, socket.sending->seal(type, part))) return -1;
  }
  return static_cast<ssize_t>(content.size());
}

// The size of the record that begins there, or of the longest while that is not known.
std::size_t record_size(const Bytes& begun) {
  return begun.size() < 5 ? most_record : 5 + (std::size_t{begun[3]} << 8U) + std::size_t{begun[4]};
}

// Appends what the socket has, up to the record's end. False: it is not whole; errno says why, 0 at
// the end.
bool complete(int fd, Bytes& record) {
  while (record.size() < 5 || record.size() < record_size(record)) {
    const std::size_t held = record.size();
    const std::size_t wanted = held < 5 ? 5 : record_size(record);
    if (wanted > most_record) return fail(EMSGSIZE) == 0;
    record.resize(wanted);
    const ssize_t got = real_recv(fd, record.data() + held, wanted - held, MSG_DONTWAIT);
    record.resize(held + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) errno = 0;
    if (got <= 0) return false;
  }
  return true;
}

// 0, or the errno of what is not content of these keys.
int open(KernelRecord& keys, const Bytes& record, Bytes& content) {
  const auto opened = keys.open(record);
  if (!opened) return EBADMSG;
  if (opened->type != application_data) return EIO;
  content.insert(content.end(), opened->content.begin(), opened->content.end());
  return 0;
}

bool read_record(int fd, Socket& socket) {
  if (socket.broken == 0) {
    if (!complete(fd, socket.begun)) return false;
    socket.broken = open(*socket.receiving, std::exchange(socket.begun, {}), socket.content);
    if (socket.broken == EBADMSG) socket.error = EBADMSG;
  }
  return socket.broken == 0 || fail(socket.broken) == 0;
}

// Whether there is content, without taking a byte off the socket: who waits for it by epoll is to
// be told of it.
ssize_t look(int fd, const Socket& socket) {
  if (!socket.content.empty()) return 1;
  if (socket.broken != 0) return fail(socket.broken);
  Bytes ahead(most_record);
  const ssize_t there = real_recv(fd, ahead.data(), ahead.size(), MSG_PEEK | MSG_DONTWAIT);
  if (there <= 0) return there;
  Bytes record = socket.begun;
  record.insert(record.end(), ahead.begin(), ahead.begin() + there);
  if (record.size() < record_size(record)) return fail(EAGAIN);
  record.resize(record_size(record));
  KernelRecord keys = *socket.receiving;
  Bytes content;
  const int error = open(keys, record, content);
  return error == 0 ? 1 : fail(error);
}

ssize_t receive(int fd, Socket& socket, void* into, std::size_t size, int flags) {
  if ((flags & MSG_PEEK) != 0) return look(fd, socket);
  while (socket.content.size() < size && read_record(fd, socket)) {
  }
  if (socket.content.empty()) return errno == 0 ? 0 : -1;
  const std::size_t taken = std::min(size, socket.content.size());
  std::memcpy(into, socket.content.data(), taken);
  socket.content.erase(socket.content.begin(),
                       socket.content.begin() + static_cast<std::ptrdiff_t>(taken));
  return static_cast<ssize_t>(taken);
}

std::uint8_t record_type(const msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(const_cast<msghdr*>(&message), header)) {
    if (header->cmsg_level == SOL_TLS && header->cmsg_type == TLS_SET_RECORD_TYPE) {
      return *CMSG_DATA(header);
    }
  }
  return application_data;
}

}  // namespace

void refuse(Refuses what) { refuses = what; }
std::size_t installed() { return given; }

}  // namespace gims::test::fake_kernel

namespace fake = gims::test::fake_kernel;

extern "C" {

[[gnu::visibility("default")]] int setsockopt(int fd, int level, int name, const void* value,
                                              socklen_t size) noexcept {
  if (level == IPPROTO_TCP && name == TCP_ULP) return fake::layer(fd);
  if (level == SOL_TLS) return fake::give(fd, name, value, size);
  return static_cast<int>(::syscall(SYS_setsockopt, fd, level, name, value, size));
}

[[gnu::visibility("default")]] int getsockopt(int fd, int level, int name, void* value,
                                              socklen_t* size) noexcept {
  fake::Socket* socket = fake::find(fd);
  if (level != SOL_TLS) {
    if (level == SOL_SOCKET && name == SO_ERROR && socket != nullptr) socket->error = 0;
    return fake::real_getsockopt(fd, level, name, value, size);
  }
  const bool has = socket != nullptr &&
                   (name == TLS_TX ? socket->sending.has_value() : socket->receiving.has_value());
  return has ? 0 : fake::fail(EBUSY);
}

[[gnu::visibility("default")]] ssize_t recv(int fd, void* into, std::size_t size, int flags) {
  fake::Socket* socket = fake::find(fd);
  if (socket != nullptr && socket->receiving) return fake::receive(fd, *socket, into, size, flags);
  return fake::real_recv(fd, into, size, flags);
}

[[gnu::visibility("default")]] ssize_t send(int fd, const void* bytes, std::size_t size,
                                            int flags) {
  fake::Socket* socket = fake::find(fd);
  if (socket != nullptr && socket->sending) {
    const auto* begin = static_cast<const std::uint8_t*>(bytes);
    return fake::send_records(fd, *socket, fake::application_data, {begin, begin + size});
  }
  return ::syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0);
}

[[gnu::visibility("default")]] ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  fake::Socket* socket = fake::find(fd);
  if (socket != nullptr && socket->sending) {
    gims::tls::test::Bytes content;
    for (std::size_t i = 0; i < message->msg_iovlen; ++i) {
      const auto* begin = static_cast<const std::uint8_t*>(message->msg_iov[i].iov_base);
      content.insert(content.end(), begin, begin + message->msg_iov[i].iov_len);
    }
    return fake::send_records(fd, *socket, fake::record_type(*message), content);
  }
  return ::syscall(SYS_sendmsg, fd, message, flags);
}
}
