#include "sys/event_fd.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "sys/errno.hpp"

namespace gims::sys {

Result<EventFd> EventFd::create() {
  Fd fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!fd) return fail_errno("eventfd");
  return EventFd(std::move(fd));
}

void EventFd::signal() const noexcept {
  const std::uint64_t one = 1;
  // It fails only when the counter is at its end, and then the descriptor is readable already.
  static_cast<void>(!::write(fd_.get(), &one, sizeof one));
}

bool EventFd::drain() const noexcept {
  std::uint64_t count = 0;
  return ::read(fd_.get(), &count, sizeof count) == sizeof count;
}

}  // namespace gims::sys
