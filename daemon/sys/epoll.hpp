// epoll(7).
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "sys/fd.hpp"

namespace gims::sys {

// Thread: add, modify and remove from any thread; wait from one.
class Epoll {
 public:
  [[nodiscard]] static Result<Epoll> create();

  // `events` are EPOLLIN and so on; `data` comes back with each event.
  [[nodiscard]] Result<> add(int fd, std::uint32_t events, std::uint64_t data) const;
  [[nodiscard]] Result<> modify(int fd, std::uint32_t events, std::uint64_t data) const;
  // A descriptor that is not registered is a failure (ENOENT).
  [[nodiscard]] Result<> remove(int fd) const;

  // Fills the front of `room` and gives that part. No timeout: waits until something happens. An
  // interrupted wait gives an empty span.
  [[nodiscard]] Result<std::span<epoll_event>> wait(
      std::span<epoll_event> room, std::optional<std::chrono::milliseconds> timeout) const;
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  explicit Epoll(Fd fd) noexcept : fd_(std::move(fd)) {}
  [[nodiscard]] Result<> control(int operation, int fd, std::uint32_t events,
                                 std::uint64_t data) const;
  Fd fd_;
};

}  // namespace gims::sys
