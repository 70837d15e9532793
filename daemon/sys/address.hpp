// The IP address and port of a peer.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sockaddr;

namespace gims::sys {

// A value. An IPv4 address that came mapped into IPv6 (::ffff:a.b.c.d) is kept as IPv4, so that one
// peer has one form.
struct IpAddress {
  enum class Family : std::uint8_t { v4 = 4, v6 = 6 };
  Family family = Family::v4;
  // IPv4 uses the first four; the rest is zero.
  std::array<std::uint8_t, 16> bytes{};

  bool operator==(const IpAddress&) const = default;
  // "192.0.2.1", "2001:db8::1".
  [[nodiscard]] std::string to_string() const;
  // What a limit per address counts by: the address of IPv4, the /64 of IPv6, because one device
  // can take any address of its /64.
  [[nodiscard]] IpAddress limit_key() const noexcept;
  // Reads either form, without a port, brackets or a zone.
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  bool operator==(const SocketAddress&) const = default;
  // "192.0.2.1:443", "[2001:db8::1]:443".
  [[nodiscard]] std::string to_string() const;
  // Fails for a family other than AF_INET and AF_INET6.
  [[nodiscard]] static Result<SocketAddress> from(const sockaddr& address);
};

}  // namespace gims::sys
