#include "sys/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "sys/errno.hpp"

namespace gims::sys {

void Fd::reset(int raw) noexcept {
  const int old = std::exchange(raw_, raw);
  if (old < 0) return;
  const int kept = errno;
  // Linux has closed the descriptor even when close() is interrupted (close(2)): never a second
  // try.
  ::close(old);
  errno = kept;
}

Result<> set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return fail_errno("fcntl F_GETFL");
  if (::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return fail_errno("fcntl F_SETFL");
  return {};
}

}  // namespace gims::sys
