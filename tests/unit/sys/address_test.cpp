#include "sys/address.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

namespace gims::sys {
namespace {

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(IpAddress::parse("192.0.2.1")->to_string(), "192.0.2.1");
  EXPECT_EQ(IpAddress::parse("2001:DB8:0::1")->to_string(), "2001:db8::1");
}

TEST(IpAddress, AMappedAddressIsIpv4) {
  EXPECT_EQ(*IpAddress::parse("::ffff:192.0.2.1"), *IpAddress::parse("192.0.2.1"));
}

TEST(IpAddress, RefusesOtherText) {
  for (const char* text : {"", "192.0.2", "192.0.2.1:80", "[::1]", "localhost", "fe80::1%eth0"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("192.0.2.1\0x", 11)));
}

TEST(IpAddress, LimitsCountIpv6ByItsNetwork) {
  const auto key = [](const char* text) { return IpAddress::parse(text)->limit_key(); };
  EXPECT_EQ(key("2001:db8:1:2:3::1"), key("2001:db8:1:2:ffff::9"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
  EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
}

TEST(SocketAddress, ReadsSockaddr) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(8443);
  in.sin6_addr = in6addr_loopback;
  sockaddr_storage storage{};
  std::memcpy(&storage, &in, sizeof in);
  const auto address = SocketAddress::from(reinterpret_cast<const sockaddr&>(storage));  // NOLINT
  ASSERT_TRUE(address);
  EXPECT_EQ(address->to_string(), "[::1]:8443");
  storage.ss_family = AF_UNIX;
  EXPECT_FALSE(SocketAddress::from(reinterpret_cast<const sockaddr&>(storage)));  // NOLINT
}

}  // namespace
}  // namespace gims::sys
