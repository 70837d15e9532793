#include "hsm/ca/p256.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>

#include "support/p256.hpp"

namespace gims::hsm {
namespace {

Bytes from_hex(std::string_view hex) {
  Bytes bytes(hex.size() / 2);
  EXPECT_EQ(
      sodium_hex2bin(bytes.data(), bytes.size(), hex.data(), hex.size(), nullptr, nullptr, nullptr),
      0);
  return bytes;
}

// RFC 6979, appendix A.2.5: ECDSA over P-256 with SHA-256, message "sample".
TEST(P256, SignsAsTheStandardsExample) {
  const auto key = p256_from_scalar(*SecretBytes::copy_of(
      from_hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")));
  ASSERT_TRUE(key);
  const Bytes point = from_hex(
      "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
      "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
  EXPECT_TRUE(std::ranges::equal(key->public_key, point));
  Digest digest{};
  const std::string_view message = "sample";
  crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(message.data()),
                     message.size());
  const auto signature = p256_sign(*key, digest);
  ASSERT_TRUE(signature);
  EXPECT_TRUE(std::ranges::equal(
      signature->r, from_hex("EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716")));
  EXPECT_TRUE(std::ranges::equal(
      signature->s, from_hex("F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8")));
  EXPECT_TRUE(p256_verify(key->public_key, digest, *signature));
  EXPECT_TRUE(test::p256_verifies(key->public_key, digest, *signature));
}

TEST(P256, ASignatureIsForOneDigestAndOneKey) {
  const auto key = generate_p256();
  const auto other = generate_p256();
  ASSERT_TRUE(key && other);
  Digest digest{1};
  auto signature = p256_sign(*key, digest);
  ASSERT_TRUE(signature);
  EXPECT_TRUE(p256_verify(key->public_key, digest, *signature));
  EXPECT_FALSE(p256_verify(other->public_key, digest, *signature));
  EXPECT_FALSE(p256_verify(key->public_key, Digest{2}, *signature));
  signature->s[31] ^= 1U;
  EXPECT_FALSE(p256_verify(key->public_key, digest, *signature));
}

TEST(P256, ScalarsOutOfRangeAreNoKeys) {
  EXPECT_FALSE(p256_from_scalar(*SecretBytes::zeroed(32)));
  EXPECT_FALSE(p256_from_scalar(*SecretBytes::copy_of(Bytes(32, 0xff))));
  EXPECT_FALSE(p256_from_scalar(*SecretBytes::copy_of(Bytes(31, 1))));
}

TEST(P256, OnlyOneFormOfAPublicKeyIsTaken) {
  const auto key = generate_p256();
  ASSERT_TRUE(key);
  const Bytes spki = spki_of(key->public_key);
  const auto point = point_of_spki(spki);
  ASSERT_TRUE(point);
  EXPECT_EQ(*point, key->public_key);
  for (std::size_t at = 0; at < spki.size(); ++at) {
    Bytes changed = spki;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 0x04U);
    // Also in the point: what is changed there is no longer on the curve.
    EXPECT_FALSE(point_of_spki(changed)) << at;
    EXPECT_FALSE(point_of_spki(BytesView(spki).first(at))) << at;
  }
  Bytes longer = spki;
  longer.push_back(0);
  EXPECT_FALSE(point_of_spki(longer));
}

}  // namespace
}  // namespace gims::hsm
