#include "hsm/factor/passphrase.hpp"

#include <gtest/gtest.h>

namespace gims::hsm::factor {
namespace {

SecretBytes secret(std::string_view text) {
  return *SecretBytes::copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

// The least that is taken.
constexpr PassphraseParameters light{.salt = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                     .passes = 3,
                                     .memory_kib = 64 * 1024};

Bytes plain(const SecretBytes& bytes) { return {bytes.bytes().begin(), bytes.bytes().end()}; }

TEST(Passphrase, TheKeyIsThatOfArgon2id) {
  // By OpenSSL's own: three passes over 65,536 KiB, one lane.
  const auto key = passphrase_key(secret("correct horse battery"), light);
  ASSERT_TRUE(key) << key.error().text;
  EXPECT_EQ(plain(*key), (Bytes{0x90, 0x4b, 0x42, 0x49, 0x2d, 0xa0, 0x40, 0x31, 0xa4, 0x68, 0xa6,
                                0xd1, 0xd5, 0x16, 0x89, 0x84, 0x8c, 0x15, 0xe5, 0xc8, 0x8d, 0x85,
                                0x87, 0xb0, 0x18, 0x6d, 0xce, 0x57, 0x4b, 0x8c, 0x4b, 0xcc}));
}

TEST(Passphrase, AnotherPassphraseSaltOrWorkIsAnotherKey) {
  const auto key = plain(*passphrase_key(secret("correct horse battery"), light));
  EXPECT_EQ(plain(*passphrase_key(secret("correct horse battery"), light)), key);
  EXPECT_NE(plain(*passphrase_key(secret("correct horse batterz"), light)), key);
  PassphraseParameters other = light;
  other.salt[15] = 16;
  EXPECT_NE(plain(*passphrase_key(secret("correct horse battery"), other)), key);
  other = light;
  other.passes = 4;
  EXPECT_NE(plain(*passphrase_key(secret("correct horse battery"), other)), key);
}

TEST(Passphrase, NewParametersAreHeavyAndHaveASaltOfTheirOwn) {
  const auto one = new_passphrase_parameters();
  const auto two = new_passphrase_parameters();
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->passes, 3U);
  EXPECT_EQ(one->memory_kib, 256U * 1024);
  EXPECT_NE(one->salt, two->salt);
}

TEST(Passphrase, ParametersHaveOneFormAndBounds) {
  const Bytes bytes = encode(light);
  const auto decoded = decode_passphrase(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(encode(*decoded), bytes);
  EXPECT_EQ(decoded->salt, light.salt);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_passphrase(BytesView(bytes).first(size))) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_passphrase(longer));
  const auto with = [](std::uint32_t passes, std::uint32_t memory) {
    return decode_passphrase(encode({.salt = {}, .passes = passes, .memory_kib = memory}));
  };
  EXPECT_TRUE(with(3, 64 * 1024));
  EXPECT_TRUE(with(16, 1024 * 1024));
  EXPECT_FALSE(with(2, 64 * 1024));
  EXPECT_FALSE(with(17, 64 * 1024));
  EXPECT_FALSE(with(3, 64 * 1024 - 1));
  EXPECT_FALSE(with(3, 1024 * 1024 + 1));
}

TEST(Passphrase, ANewOneHasALeastLength) {
  EXPECT_FALSE(check_new_passphrase(secret("elevenchars")));
  EXPECT_TRUE(check_new_passphrase(secret("twelve chars")));
  EXPECT_TRUE(check_new_passphrase(secret(std::string(256, 'x'))));
  EXPECT_FALSE(check_new_passphrase(secret(std::string(257, 'x'))));
  EXPECT_FALSE(check_new_passphrase(SecretBytes()));
}

}  // namespace
}  // namespace gims::hsm::factor
