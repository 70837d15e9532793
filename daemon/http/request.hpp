// One HTTP request, as a handler sees it. Knows nothing of Matrix.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sys/fd.hpp"

namespace gims::http {

enum class Method : std::uint8_t { get, put, post, del, patch, options, head, other };

// The door a connection came through; decides which routes are there.
enum class Door : std::uint8_t { client, console, admin };

// Who is at the other end, as gims-tlsd or the kernel says.
struct Peer {
  std::string address;  // "192.0.2.7", "2001:db8::1"; empty on the admin socket
  Door door = Door::client;
  std::optional<std::uint32_t> uid;  // SO_PEERCRED; only on the admin socket
};

// A connected stream socket that comes in.
struct Incoming {
  Incoming() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): most come without a tether
  Incoming(sys::Fd fd) noexcept : socket(std::move(fd)) {}
  Incoming(sys::Fd fd, sys::Fd tied) noexcept : socket(std::move(fd)), tether(std::move(tied)) {}
  sys::Fd socket;
  // Of one whose TLS is the kernel's (sys/handover.hpp).
  sys::Fd tether;
};

// Read only. Lives, with all views into it, until its Responder is gone. Thread: one at a time.
class Request {
 public:
  Method method = Method::other;
  std::string path;  // percent-encoded, as it came
  Peer peer;
  std::string body;  // whole; empty for routes that stream

  // A {name} of the route's path, percent-decoded UTF-8. The route must have it.
  [[nodiscard]] std::string_view param(std::string_view name) const;
  // The first query argument of that name, percent-decoded.
  [[nodiscard]] std::optional<std::string_view> query(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> query_all(std::string_view name) const;
  // Case-insensitive. The first of that name.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;

  [[nodiscard]] std::vector<std::string_view> header_all(std::string_view name) const;

  // For http/ and for tests that make requests by hand.
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  Pairs params;
  Pairs queries;
  Pairs headers;
};

}  // namespace gims::http
