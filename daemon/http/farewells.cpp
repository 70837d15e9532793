#include "http/farewells.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace gims::http {
namespace {

constexpr auto linger = std::chrono::seconds(2);
// Enough for requests that were on their way.
constexpr std::size_t most_discarded = std::size_t{1} << 20U;

}  // namespace

void Farewells::begin(Incoming connection, std::uint64_t number, Steady::time_point now) {
  const int fd = connection.socket.get();
  leaving_.push_back({.connection = std::move(connection),
                      .number = number,
                      .until = now + linger,
                      .to_discard = most_discarded});
  const Place place = std::prev(leaving_.end());
  by_number_[number] = place;
  // Registering tells what is there already.
  if (!epoll_.add(fd, EPOLLIN | EPOLLRDHUP | EPOLLET, number)) close(place);
}

void Farewells::notice(std::uint64_t number, std::uint32_t events) {
  const auto found = by_number_.find(number);
  if (found == by_number_.end()) return;
  const bool ended = (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
  if (discard(*found->second) || ended) close(found->second);
}

bool Farewells::discard(Leaving& leaving) {
  std::array<char, 16384> room{};
  for (;;) {
    const ssize_t got = ::recv(leaving.connection.socket.get(), room.data(), room.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    // EIO and EBADMSG are of records that are not content: no more can be read, and that again and
    // again.
    if (got < 0) return errno != EAGAIN && errno != EIO && errno != EBADMSG;
    const auto size = static_cast<std::size_t>(got);
    if (size == 0 || size > leaving.to_discard) return true;
    leaving.to_discard -= size;
  }
}

void Farewells::close(Place place) {
  static_cast<void>(epoll_.remove(place->connection.socket.get()));
  by_number_.erase(place->number);
  leaving_.erase(place);
}

void Farewells::close_late(Steady::time_point now) {
  while (!leaving_.empty() && leaving_.front().until <= now) close(leaving_.begin());
}

std::optional<Farewells::Steady::time_point> Farewells::next() const {
  if (leaving_.empty()) return std::nullopt;
  return leaving_.front().until;
}

}  // namespace gims::http
