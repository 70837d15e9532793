#include "sys/address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace gims::sys {
namespace {

IpAddress from_v6(const in6_addr& address) {
  IpAddress ip;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    std::memcpy(ip.bytes.data(), address.s6_addr + 12, 4);
    return ip;
  }
  ip.family = IpAddress::Family::v6;
  std::memcpy(ip.bytes.data(), address.s6_addr, 16);
  return ip;
}

}  // namespace

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family == Family::v4 ? AF_INET : AF_INET6, bytes.data(), text.data(),
              static_cast<socklen_t>(text.size()));
  return text.data();
}

IpAddress IpAddress::limit_key() const noexcept {
  IpAddress key = *this;
  if (family == Family::v6) std::fill(key.bytes.begin() + 8, key.bytes.end(), std::uint8_t{0});
  return key;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.find('\0') == std::string::npos) {
    IpAddress ip;
    if (::inet_pton(AF_INET, terminated.c_str(), ip.bytes.data()) == 1) return ip;
    in6_addr address{};
    if (::inet_pton(AF_INET6, terminated.c_str(), &address) == 1) return from_v6(address);
  }
  return fail(ErrorKind::bad_input, "BAD_ADDRESS",
              "This is not an IP address: write 192.0.2.1 or 2001:db8::1.");
}

std::string SocketAddress::to_string() const {
  const std::string text = ip.to_string();
  return (ip.family == IpAddress::Family::v6 ? "[" + text + "]" : text) + ":" +
         std::to_string(port);
}

Result<SocketAddress> SocketAddress::from(const sockaddr& address) {
  SocketAddress result;
  if (address.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof in);
    std::memcpy(result.ip.bytes.data(), &in.sin_addr, 4);
    result.port = ntohs(in.sin_port);
    return result;
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof in);
    result.ip = from_v6(in.sin6_addr);
    result.port = ntohs(in.sin6_port);
    return result;
  }
  return fail(ErrorKind::bad_input, "EAFNOSUPPORT", "The peer has no IP address.",
              "address family " + std::to_string(address.sa_family));
}

}  // namespace gims::sys
