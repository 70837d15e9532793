#include "sys/message.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.hpp"
#include "sys/errno.hpp"

namespace gims::sys {
namespace {

// Room for the descriptors of one message. The kernel may deliver more than one control message
// only when others than SCM_RIGHTS are switched on, which we never do.
union ControlBuffer {
  cmsghdr align;
  std::array<char, CMSG_SPACE(max_message_fds * sizeof(int))> bytes;
};

void take_fds(const cmsghdr& header, std::vector<Fd>& fds) {
  const std::size_t count = (header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
  const unsigned char* data = CMSG_DATA(&header);
  for (std::size_t i = 0; i < count; ++i) {
    int raw = -1;
    std::memcpy(&raw, data + i * sizeof(int), sizeof raw);
    fds.emplace_back(raw);
  }
}

}  // namespace

Result<> send_message(int socket, std::span<const std::uint8_t> bytes, std::span<const int> fds) {
  GIMS_CHECK(!bytes.empty() && fds.size() <= max_message_fds);
  iovec part{.iov_base = const_cast<std::uint8_t*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control{};
  if (!fds.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
  }
  for (;;) {
    const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return fail_errno("sendmsg");
    }
    if (static_cast<std::size_t>(sent) != bytes.size()) {
      return fail_with_errno("sendmsg took a part", EMSGSIZE);
    }
    return {};
  }
}

Result<ReceivedMessage> receive_message(int socket, std::span<std::uint8_t> buffer,
                                        std::size_t most_fds) {
  GIMS_CHECK(!buffer.empty() && most_fds <= max_message_fds);
  iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control{};
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  ssize_t size = -1;
  do {
    size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return fail_errno("recvmsg");

  // First own every descriptor, so that each way out closes them.
  ReceivedMessage received{.size = static_cast<std::size_t>(size), .fds = {}};
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
      take_fds(*header, received.fds);
    }
  }
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    return fail_with_errno("a message longer than its buffer", EMSGSIZE);
  }
  // The buffer has room for all that we would take, so what is missing found no place in the
  // process (recvmsg(2), MSG_CTRUNC; unix(7), "RLIMIT_NOFILE").
  if ((message.msg_flags & MSG_CTRUNC) != 0 && received.fds.size() < max_message_fds) {
    return fail_with_errno("no descriptor is left for what a message brings", EMFILE);
  }
  if ((message.msg_flags & MSG_CTRUNC) != 0 || received.fds.size() > most_fds) {
    return fail_with_errno("a message with too many descriptors", ETOOMANYREFS);
  }
  return received;
}

}  // namespace gims::sys
