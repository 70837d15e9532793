#include "crypto/ed25519.hpp"

#include <gtest/gtest.h>

namespace gims::crypto {
namespace {

// RFC 8032, section 7.1, test 2.
TEST(Ed25519, SignsAndVerifiesTheExampleOfTheRfc) {
  const Bytes seed =
      from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").value();
  const SigningKey key = SigningKey::from_seed(seed).value();
  EXPECT_EQ(hex(key.public_key()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const Bytes message{0x72};
  Signature signature = key.sign(message);
  EXPECT_EQ(hex(signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  EXPECT_TRUE(verify(key.public_key(), message, signature));
  EXPECT_FALSE(verify(key.public_key(), Bytes{0x73}, signature));
  EXPECT_FALSE(verify(key.public_key(), message, ByteView(signature).first(63)));
  signature[0] ^= 1U;
  EXPECT_FALSE(verify(key.public_key(), message, signature));
}

TEST(Ed25519, ReadsKeysOfTheRightLengthAlone) {
  const PublicKey key{1, 2, 3};
  EXPECT_EQ(public_key_from_base64(base64(key)), key);
  EXPECT_FALSE(public_key_from_base64(base64(ByteView(key).first(31))));
  EXPECT_FALSE(public_key_from_base64("not base64!"));
  EXPECT_FALSE(SigningKey::from_seed(ByteView(key).first(31)));
}

}  // namespace
}  // namespace gims::crypto
