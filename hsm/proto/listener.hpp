// The socket of a program that answers frames.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "sys/fd.hpp"

namespace gims::hsm {

// Everyone may connect: who is answered is the program's to say, by the peer's uid. Fails
// (unavailable, GIMS_KEYD_SOCKET) where the socket cannot be made.
[[nodiscard]] Result<sys::Fd> listen_for_frames(const std::string& path);

// Gives the connection that waits, if there is one, to `welcome`: one a turn of the loop, so that
// it sees who has left before it counts who is there. False: accepting must pause, for want of
// descriptors or memory.
[[nodiscard]] bool take_new_peer(const sys::Fd& listener,
                                 const std::function<void(sys::Fd)>& welcome);

}  // namespace gims::hsm
