// How gims-tlsd gives a connection to gimsd: one SOCK_SEQPACKET message of exactly `handover_size`
// bytes with one descriptor, and with `ktls` two (send_message/receive_message).
//
// What the descriptor is depends on `carriage`: for `pump` one end of a stream socket pair that
// carries the plain bytes (half-close in either direction is passed on, a TLS close_notify being
// the end of the client's bytes; an end without one is a reset); for `ktls` the TCP socket itself,
// encryption in the kernel (kernel_tls.hpp).
//
// The second is then the connection's tether, one end of a stream socket pair whose other end
// gims-tlsd keeps with the connection's place within its limits. gimsd closes its end when it has
// closed the connection, and before that sends a byte, of any value, every few seconds in which the
// connection was in use. When gims-tlsd's end is shut, or gone with it, gimsd closes the
// connection.
//
//   0  2  "GH"
//   2  1  version, 1
//   3  1  door
//   4  1  carriage
//   5  1  address family, 4 or 6
//   6  2  port of the peer
//   8 16  address of the peer; IPv4 in the first four, zeros after it
//  24  2  TLS version as on the wire, 0x0303 or 0x0304
//  26  2  cipher suite as on the wire (IANA registry)
//  28  4  zero
//
// Numbers are big-endian. A reader refuses every other length, version or value.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "sys/address.hpp"

namespace gims::sys {

inline constexpr std::size_t handover_size = 32;

// Which listener the connection came in by.
enum class Door : std::uint8_t { client = 1, console = 2 };
enum class Carriage : std::uint8_t { pump = 1, ktls = 2 };

struct Handover {
  Door door = Door::client;
  Carriage carriage = Carriage::pump;
  SocketAddress peer;
  std::uint16_t tls_version = 0;
  std::uint16_t cipher_suite = 0;

  bool operator==(const Handover&) const = default;
};

[[nodiscard]] std::array<std::uint8_t, handover_size> encode_handover(
    const Handover& handover) noexcept;
[[nodiscard]] Result<Handover> decode_handover(std::span<const std::uint8_t> message);

}  // namespace gims::sys
