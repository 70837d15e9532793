// Signals as a readable descriptor (signalfd(2)).
#pragma once

#include <initializer_list>
#include <optional>

#include "sys/fd.hpp"

namespace gims::sys {

// Blocks the signals in the calling thread and reads them from a descriptor instead. Make it before
// any thread starts: threads inherit the mask. SIGPIPE is ignored as well.
class SignalFd {
 public:
  [[nodiscard]] static Result<SignalFd> create(std::initializer_list<int> signals);
  // SIGTERM, SIGINT, SIGHUP.
  [[nodiscard]] static Result<SignalFd> for_service();

  // The number of one signal that came, or nothing. Never waits.
  [[nodiscard]] std::optional<int> next() const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  explicit SignalFd(Fd fd) noexcept : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace gims::sys
