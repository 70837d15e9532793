#include "sys/epoll.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>

#include "sys/errno.hpp"

namespace gims::sys {

Result<Epoll> Epoll::create() {
  Fd fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!fd) return fail_errno("epoll_create1");
  return Epoll(std::move(fd));
}

Result<> Epoll::control(int operation, int fd, std::uint32_t events, std::uint64_t data) const {
  epoll_event event{};
  event.events = events;
  event.data.u64 = data;
  if (::epoll_ctl(fd_.get(), operation, fd, &event) != 0) return fail_errno("epoll_ctl");
  return {};
}

Result<> Epoll::add(int fd, std::uint32_t events, std::uint64_t data) const {
  return control(EPOLL_CTL_ADD, fd, events, data);
}

Result<> Epoll::modify(int fd, std::uint32_t events, std::uint64_t data) const {
  return control(EPOLL_CTL_MOD, fd, events, data);
}

Result<> Epoll::remove(int fd) const { return control(EPOLL_CTL_DEL, fd, 0, 0); }

Result<std::span<epoll_event>> Epoll::wait(std::span<epoll_event> room,
                                           std::optional<std::chrono::milliseconds> timeout) const {
  const auto most = static_cast<int>(std::min<std::size_t>(room.size(), INT_MAX));
  int wait_ms = -1;
  if (timeout) wait_ms = static_cast<int>(std::clamp<std::int64_t>(timeout->count(), 0, INT_MAX));
  const int count = ::epoll_wait(fd_.get(), room.data(), most, wait_ms);
  if (count < 0) {
    if (errno == EINTR) return room.first(0);
    return fail_errno("epoll_wait");
  }
  return room.first(static_cast<std::size_t>(count));
}

}  // namespace gims::sys
