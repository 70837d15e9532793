// Connections whose TLS is the kernel's, after the last byte of ours. Internal to http/.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "http/request.hpp"
#include "sys/epoll.hpp"

namespace gims::http {

// Closing a socket with unread bytes resets the connection, and the reset can overtake the answer
// on its way to the client. So what the client still sends is read for a while and thrown away. A
// record that is not content ends the reading: then the client's end is waited for alone. The
// tether goes with the socket. Thread: the loop's.
class Farewells {
 public:
  using Steady = std::chrono::steady_clock;

  explicit Farewells(const sys::Epoll& epoll) noexcept : epoll_(epoll) {}
  // `number` is that of its registration in the epoll set, and in no other use.
  void begin(Incoming connection, std::uint64_t number, Steady::time_point now);
  // EPOLLIN and so on; nothing happens when it is not one of these.
  void notice(std::uint64_t number, std::uint32_t events);
  void close_late(Steady::time_point now);
  [[nodiscard]] std::optional<Steady::time_point> next() const;

 private:
  struct Leaving {
    Incoming connection;
    std::uint64_t number = 0;
    Steady::time_point until;
    std::size_t to_discard = 0;
  };
  using Place = std::list<Leaving>::iterator;
  // Whether it has come to its end.
  [[nodiscard]] static bool discard(Leaving& leaving);
  void close(Place place);

  const sys::Epoll& epoll_;
  std::list<Leaving> leaving_;  // the oldest first
  std::unordered_map<std::uint64_t, Place> by_number_;
};

}  // namespace gims::http
