// A counter that wakes a loop (eventfd(2)).
#pragma once

#include "sys/fd.hpp"

namespace gims::sys {

// Thread: signal() from any thread and from a signal handler; the rest by the loop that owns it.
class EventFd {
 public:
  // Non-blocking, close-on-exec.
  [[nodiscard]] static Result<EventFd> create();

  // Makes the descriptor readable until drain(). Many calls before a drain() count as one.
  void signal() const noexcept;
  // True when there was a signal since the last call.
  bool drain() const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  explicit EventFd(Fd fd) noexcept : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace gims::sys
