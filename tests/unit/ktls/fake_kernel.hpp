// A kernel that has TLS, in this process: stands before setsockopt, getsockopt, recv, send and
// sendmsg of libc for all that is linked here, libmicrohttpd with it, and does with a socket that
// is given keys what Linux does (net/tls/tls_sw.c).
#pragma once

#include <cstddef>

namespace gims::test::fake_kernel {

// What it refuses from here on.
enum class Refuses { nothing, everything, sending, receiving };
void refuse(Refuses what);
// Sockets that were given both keys since the start.
std::size_t installed();

}  // namespace gims::test::fake_kernel
