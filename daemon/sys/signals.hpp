// Signals as a readable descriptor (signalfd(2)).
#pragma once

#include <chrono>
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
  // Takes every signal that came. True when one asks the service to stop; SIGHUP is told to have no
  // meaning. Never waits.
  [[nodiscard]] bool stop_asked() const noexcept;
  // As stop_asked(), after a wait for a signal of at most `timeout`; without one, without end.
  [[nodiscard]] bool stop_asked_within(
      std::optional<std::chrono::milliseconds> timeout) const noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  explicit SignalFd(Fd fd) noexcept : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace gims::sys
