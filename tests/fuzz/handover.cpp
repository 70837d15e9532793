// What gims-tlsd says of a connection, and addresses as text. Whatever is taken has one form.
#include "sys/handover.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.hpp"
#include "sys/address.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gims::sys::IpAddress;
  const std::span message(data, size);
  if (const auto handover = gims::sys::decode_handover(message); handover) {
    GIMS_CHECK(std::ranges::equal(gims::sys::encode_handover(*handover), message));
    const auto again = IpAddress::parse(handover->peer.ip.to_string());
    // An IPv4 address within IPv6 is read as IPv4.
    GIMS_CHECK(again && again->to_string() == IpAddress::parse(again->to_string())->to_string());
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto address = IpAddress::parse(text); address) {
    const auto again = IpAddress::parse(address->to_string());
    GIMS_CHECK(again && *again == *address);
    GIMS_CHECK(address->limit_key().limit_key() == address->limit_key());
  }
  return 0;
}
