#include "crypto/hash.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace gims::crypto {
namespace {

SecretBytes counting_key() {
  std::array<std::uint8_t, 32> bytes{};
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return SecretBytes::copy_of(bytes).value();
}

// FIPS 180-2, appendix B.1.
TEST(Sha256, HashesTheExampleOfTheStandard) {
  EXPECT_EQ(hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

// Computed with Python's hashlib.blake2b(b"abc", digest_size=32, key=bytes(range(32))).
TEST(KeyedHash, IsBlake2b) {
  EXPECT_EQ(hex(keyed_hash(counting_key(), as_bytes("abc"))),
            "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f");
}

// As above, each part after its length in eight bytes, least significant first.
TEST(KeyedHash, KeepsPartsApart) {
  const SecretBytes key = counting_key();
  const std::array<ByteView, 2> parts{as_bytes("ab"), as_bytes("c")};
  const std::array<ByteView, 2> others{as_bytes("a"), as_bytes("bc")};
  EXPECT_EQ(hex(keyed_hash(key, parts)),
            "ee9c1ef8884408a5503c0192f0793a454251090ca52c8718e872dcb1eb473861");
  EXPECT_NE(keyed_hash(key, parts), keyed_hash(key, others));
}

TEST(DeriveKey, GivesAnotherKeyForEachPurposeAndSalt) {
  const SecretBytes key = counting_key();
  const SecretBytes first = derive_key(key, "media").value();
  EXPECT_EQ(first.size(), 32U);
  EXPECT_TRUE(equal_in_constant_time(first.bytes(), derive_key(key, "media").value().bytes()));
  EXPECT_FALSE(equal_in_constant_time(first.bytes(), derive_key(key, "tokens").value().bytes()));
  EXPECT_FALSE(equal_in_constant_time(first.bytes(),
                                      derive_key(key, "media", as_bytes("s")).value().bytes()));
}

}  // namespace
}  // namespace gims::crypto
