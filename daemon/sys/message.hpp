// One message with descriptors over a Unix socket (SCM_RIGHTS, unix(7)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sys/fd.hpp"

namespace gims::sys {

// The most descriptors that a message may carry here; the kernel's own bound is 253.
inline constexpr std::size_t max_message_fds = 4;

// Sends `bytes` (not empty) and duplicates of `fds` as one message; the caller keeps its own. On a
// SOCK_SEQPACKET socket all or nothing; a stream socket that takes a part is a failure (EMSGSIZE).
// Never raises SIGPIPE. A full non-blocking socket is a failure with code EAGAIN; a gone peer EPIPE
// or ECONNRESET.
[[nodiscard]] Result<> send_message(int socket, std::span<const std::uint8_t> bytes,
                                    std::span<const int> fds = {});

struct ReceivedMessage {
  // How much of the buffer holds the message; 0 with no descriptors: the peer has closed.
  std::size_t size = 0;
  std::vector<Fd> fds;
};

// Receives one message of at most buffer.size() bytes and `most_fds` (up to max_message_fds)
// descriptors. A longer message (EMSGSIZE) and more descriptors than that (ETOOMANYREFS) are
// failures: everything that came is closed, nothing is left over. EAGAIN as above. An interrupted
// wait is taken up again.
[[nodiscard]] Result<ReceivedMessage> receive_message(int socket, std::span<std::uint8_t> buffer,
                                                      std::size_t most_fds = 0);

}  // namespace gims::sys
