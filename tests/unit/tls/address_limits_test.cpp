#include "tls/address_limits.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace gims::tls {
namespace {

sys::IpAddress ip(const char* text) { return *sys::IpAddress::parse(text); }

TEST(AddressLimits, CountsByAddressAndInAll) {
  AddressLimits limits(3, 2);
  std::vector<AddressLimits::Slot> held;
  for (const char* from : {"192.0.2.1", "192.0.2.1"}) held.push_back(*limits.take(ip(from)));
  EXPECT_FALSE(limits.take(ip("192.0.2.1")));
  held.push_back(*limits.take(ip("192.0.2.2")));
  EXPECT_FALSE(limits.take(ip("192.0.2.3"))) << "all places are taken";
  EXPECT_EQ(limits.taken(), 3U);
  held.clear();
  EXPECT_EQ(limits.taken(), 0U);
  EXPECT_TRUE(limits.take(ip("192.0.2.1")));
}

TEST(AddressLimits, OneIpv6NetworkIsOneAddress) {
  AddressLimits limits(10, 1);
  const auto first = limits.take(ip("2001:db8::1"));
  ASSERT_TRUE(first);
  EXPECT_FALSE(limits.take(ip("2001:db8::2")));
  EXPECT_TRUE(limits.take(ip("2001:db8:0:1::2")));
}

TEST(AddressLimits, AMovedSlotIsGivenBackOnce) {
  AddressLimits limits(10, 10);
  auto first = limits.take(ip("192.0.2.1"));
  {
    const AddressLimits::Slot moved = *std::move(first);
    EXPECT_EQ(limits.taken(), 1U);
  }
  first.reset();
  EXPECT_EQ(limits.taken(), 0U);
}

}  // namespace
}  // namespace gims::tls
