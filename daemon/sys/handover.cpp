#include "sys/handover.hpp"

#include <algorithm>

namespace gims::sys {
namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::size_t address_at = 8;

void put_u16(std::span<std::uint8_t> to, std::uint16_t value) {
  to[0] = static_cast<std::uint8_t>(value >> 8);
  to[1] = static_cast<std::uint8_t>(value & 0xff);
}

std::uint16_t get_u16(std::span<const std::uint8_t> from) {
  return static_cast<std::uint16_t>((from[0] << 8) | from[1]);
}

bool all_zero(std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

std::unexpected<Error> refuse(const char* detail) {
  return fail(ErrorKind::bad_input, "BAD_HANDOVER", "A connection was handed over wrongly.",
              detail);
}

}  // namespace

std::array<std::uint8_t, handover_size> encode_handover(const Handover& handover) noexcept {
  std::array<std::uint8_t, handover_size> message{};
  const std::span<std::uint8_t> out(message);
  out[0] = 'G';
  out[1] = 'H';
  out[2] = format_version;
  out[3] = static_cast<std::uint8_t>(handover.door);
  out[4] = static_cast<std::uint8_t>(handover.carriage);
  out[5] = static_cast<std::uint8_t>(handover.peer.ip.family);
  put_u16(out.subspan(6), handover.peer.port);
  std::ranges::copy(handover.peer.ip.bytes, out.begin() + address_at);
  put_u16(out.subspan(24), handover.tls_version);
  put_u16(out.subspan(26), handover.cipher_suite);
  return message;
}

Result<Handover> decode_handover(std::span<const std::uint8_t> message) {
  if (message.size() != handover_size) return refuse("length");
  if (message[0] != 'G' || message[1] != 'H') return refuse("mark");
  if (message[2] != format_version) return refuse("version");
  if (message[3] != 1 && message[3] != 2) return refuse("door");
  if (message[4] != 1 && message[4] != 2) return refuse("carriage");
  if (message[5] != 4 && message[5] != 6) return refuse("address family");
  if (!all_zero(message.subspan(28))) return refuse("reserved bytes");
  Handover handover;
  handover.door = static_cast<Door>(message[3]);
  handover.carriage = static_cast<Carriage>(message[4]);
  handover.peer.ip.family = static_cast<IpAddress::Family>(message[5]);
  handover.peer.port = get_u16(message.subspan(6));
  std::ranges::copy(message.subspan(address_at, 16), handover.peer.ip.bytes.begin());
  if (message[5] == 4 && !all_zero(message.subspan(12, 12))) return refuse("IPv4 address");
  handover.tls_version = get_u16(message.subspan(24));
  handover.cipher_suite = get_u16(message.subspan(26));
  if (handover.tls_version != 0x0303 && handover.tls_version != 0x0304) {
    return refuse("TLS version");
  }
  return handover;
}

}  // namespace gims::sys
