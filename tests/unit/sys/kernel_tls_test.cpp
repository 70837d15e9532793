#include "sys/kernel_tls.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "sys/socket.hpp"

namespace gims::sys {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes counted(std::size_t size, std::uint8_t from) {
  Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), from);
  return bytes;
}

// Numbers in the order of this machine, which is little-endian wherever this runs.
Bytes info(std::uint16_t version, KernelCipher cipher, std::size_t key, std::size_t iv) {
  const Bytes keys = counted(key, 0x10);
  const Bytes ivs = counted(iv, 0xa0);
  std::array<std::uint8_t, most_kernel_tls_info> room{};
  const std::size_t size = write_kernel_tls_info({.version = version,
                                                  .cipher = cipher,
                                                  .key = keys,
                                                  .iv = ivs,
                                                  .sequence = 0x0102030405060708},
                                                 room);
  return {room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size)};
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

const Bytes sequence = {1, 2, 3, 4, 5, 6, 7, 8};

// <linux/tls.h>: version, cipher, iv, key, salt, number of the record.
TEST(KernelTlsInfo, HasTheBytesOfTls13) {
  EXPECT_EQ(
      info(0x0304, KernelCipher::aes_128_gcm, 16, 12),
      joined({{4, 3, 51, 0}, counted(8, 0xa4), counted(16, 0x10), counted(4, 0xa0), sequence}));
  EXPECT_EQ(
      info(0x0304, KernelCipher::aes_256_gcm, 32, 12),
      joined({{4, 3, 52, 0}, counted(8, 0xa4), counted(32, 0x10), counted(4, 0xa0), sequence}));
  EXPECT_EQ(info(0x0304, KernelCipher::chacha20_poly1305, 32, 12),
            joined({{4, 3, 54, 0}, counted(12, 0xa0), counted(32, 0x10), sequence}));
}

// The part of the nonce that goes with a record begins with the record's number.
TEST(KernelTlsInfo, HasTheBytesOfTls12) {
  EXPECT_EQ(info(0x0303, KernelCipher::aes_128_gcm, 16, 4),
            joined({{3, 3, 51, 0}, sequence, counted(16, 0x10), counted(4, 0xa0), sequence}));
  EXPECT_EQ(info(0x0303, KernelCipher::aes_256_gcm, 32, 4),
            joined({{3, 3, 52, 0}, sequence, counted(32, 0x10), counted(4, 0xa0), sequence}));
  EXPECT_EQ(info(0x0303, KernelCipher::chacha20_poly1305, 32, 12),
            joined({{3, 3, 54, 0}, counted(12, 0xa0), counted(32, 0x10), sequence}));
}

TEST(KernelTlsInfo, RefusesOtherLengthsAndVersions) {
  EXPECT_TRUE(info(0x0304, KernelCipher::aes_128_gcm, 32, 12).empty());
  EXPECT_TRUE(info(0x0304, KernelCipher::aes_256_gcm, 16, 12).empty());
  EXPECT_TRUE(info(0x0304, KernelCipher::aes_128_gcm, 16, 4).empty());
  EXPECT_TRUE(info(0x0303, KernelCipher::aes_128_gcm, 16, 12).empty());
  EXPECT_TRUE(info(0x0303, KernelCipher::chacha20_poly1305, 32, 4).empty());
  EXPECT_TRUE(info(0x0302, KernelCipher::aes_128_gcm, 16, 4).empty());
}

TEST(KernelTls, NoOtherSocketPassesForOne) {
  const auto pair = stream_pair(Blocking::no);
  ASSERT_TRUE(pair);
  EXPECT_FALSE(has_kernel_tls(pair->first.get()));
  const auto keys = info(0x0304, KernelCipher::aes_128_gcm, 16, 12);
  EXPECT_EQ(install_kernel_tls(pair->first.get(), keys, keys), KernelTls::refused);
  const auto port = tcp_listen("127.0.0.1", 0);
  ASSERT_TRUE(port);
  EXPECT_FALSE(has_kernel_tls(port->fd.get()));
}

}  // namespace
}  // namespace gims::sys
