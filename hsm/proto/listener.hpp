// The socket of a program that answers frames.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "hsm/proto/messages.hpp"
#include "sys/fd.hpp"

namespace gims::hsm {

// Everyone may connect: who is answered is the program's to say, by the peer's uid. Fails
// (unavailable, GIMS_KEYD_SOCKET) where the socket cannot be made.
[[nodiscard]] Result<sys::Fd> listen_for_frames(const std::string& path);

// The same failure for a socket of another kind at `path`.
[[nodiscard]] Result<sys::Fd> or_no_socket(const std::string& path, Result<sys::Fd> listener);

// Gives the connection that waits, if there is one, to `welcome`: one a turn of the loop, so that
// it sees who has left before it counts who is there. False: accepting must pause, for want of
// descriptors or memory.
[[nodiscard]] bool take_new_peer(const sys::Fd& listener,
                                 const std::function<void(sys::Fd)>& welcome);

// The refusal of a connection that is about to end; the peer may have gone, or not read. The frame
// says `operation`, one of the program's own, for there is no request that it answers.
void turn_away(const sys::Fd& socket, Operation operation, const Refusal& refusal);

// The size of the frame that waits on a connection, which is in `room` then: 0 where none waits.
// Nothing: the connection ends. Its peer has gone, or has sent more than fits into `room`; then it
// was turned away, and `room` is wiped.
[[nodiscard]] std::optional<std::size_t> take_request(const sys::Fd& socket, Operation operation,
                                                      std::span<std::uint8_t> room);

}  // namespace gims::hsm
