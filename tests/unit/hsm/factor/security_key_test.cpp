#include "hsm/factor/security_key.hpp"

#include <gtest/gtest.h>

#include "support/software_security_key.hpp"

namespace gims::hsm::factor {
namespace {

using test::SoftwareSecurityKey;

SecretBytes secret(std::string_view text) {
  return *SecretBytes::copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}
const SecretBytes no_pin;

Bytes plain(const Result<SecretBytes>& key) {
  EXPECT_TRUE(key) << key.error().text << " " << key.error().detail;
  return key ? Bytes(key->bytes().begin(), key->bytes().end()) : Bytes();
}

TEST(SecurityKey, GivesTheSameKeyAgain) {
  SoftwareSecurityKey hardware;
  const auto key = hardware.plug_in();
  ASSERT_TRUE(key) << key.error().text << key.error().detail;
  EXPECT_FALSE(key->has_pin());
  const auto enrolled = key->enrol("ritu", no_pin);
  ASSERT_TRUE(enrolled) << enrolled.error().text << enrolled.error().detail;
  EXPECT_FALSE(enrolled->with_pin);
  const Bytes first = plain(key->key(*enrolled, no_pin));
  EXPECT_EQ(first.size(), key_size);
  EXPECT_EQ(plain(key->key(*enrolled, no_pin)), first);
  // Plugged in anew.
  EXPECT_EQ(plain(hardware.plug_in()->key(*enrolled, no_pin)), first);
  EXPECT_EQ(hardware.touched, 4);
}

TEST(SecurityKey, AnotherSaltOrEnrolmentIsAnotherKey) {
  SoftwareSecurityKey hardware;
  const auto key = hardware.plug_in();
  ASSERT_TRUE(key);
  const auto one = key->enrol("ritu", no_pin);
  const auto two = key->enrol("ritu", no_pin);
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->salt, two->salt);
  EXPECT_NE(plain(key->key(*one, no_pin)), plain(key->key(*two, no_pin)));
  Fido2Parameters salted = *one;
  salted.salt[0] = static_cast<std::uint8_t>(salted.salt[0] ^ 1U);
  EXPECT_NE(plain(key->key(*one, no_pin)), plain(key->key(salted, no_pin)));
}

TEST(SecurityKey, AnotherOneIsToldSo) {
  Fido2Parameters enrolled;
  {
    SoftwareSecurityKey hardware;
    enrolled = *hardware.plug_in()->enrol("ritu", no_pin);
  }
  SoftwareSecurityKey other;
  const auto refused = other.plug_in()->key(enrolled, no_pin);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("not the one"), std::string::npos) << refused.error().text;
}

TEST(SecurityKey, IsToBeTouched) {
  SoftwareSecurityKey hardware;
  const auto key = hardware.plug_in();
  const auto enrolled = key->enrol("ritu", no_pin);
  ASSERT_TRUE(enrolled);
  hardware.leave_alone(true);
  for (const auto& error : {key->key(*enrolled, no_pin).error(), key->enrol("a", no_pin).error()}) {
    EXPECT_NE(error.text.find("not touched"), std::string::npos) << error.text << error.detail;
  }
}

TEST(SecurityKey, WithAPinItWantsIt) {
  SoftwareSecurityKey hardware("4711");
  const auto key = hardware.plug_in();
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->has_pin());
  EXPECT_FALSE(key->enrol("ritu", no_pin));
  const auto wrong = key->enrol("ritu", secret("4712"));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().text.find("refused the PIN"), std::string::npos) << wrong.error().text;
  const auto enrolled = key->enrol("ritu", secret("4711"));
  ASSERT_TRUE(enrolled) << enrolled.error().text << enrolled.error().detail;
  EXPECT_TRUE(enrolled->with_pin);
  const Bytes with_pin = plain(key->key(*enrolled, secret("4711")));
  EXPECT_EQ(plain(key->key(*enrolled, secret("4711"))), with_pin);
  EXPECT_FALSE(key->key(*enrolled, secret("4712")));
  // Without, it is another key: whoever finds it and does not know the PIN opens nothing.
  EXPECT_NE(plain(key->key(*enrolled, no_pin)), with_pin);
}

TEST(SecurityKey, WithoutHmacSecretItIsOfNoUse) {
  SoftwareSecurityKey hardware;
  hardware.hmac_secret = false;
  const auto refused = hardware.plug_in()->enrol("ritu", no_pin);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("hmac-secret"), std::string::npos) << refused.error().text;
}

TEST(SecurityKey, ParametersHaveOneForm) {
  const Bytes bytes =
      encode(Fido2Parameters{.with_pin = true, .salt = {1, 2}, .credential = Bytes(64, 5)});
  EXPECT_LE(bytes.size(), max_factor_parameters);
  const auto decoded = decode_fido2(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(encode(*decoded), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_fido2(BytesView(bytes).first(size))) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_fido2(longer));
  EXPECT_TRUE(decode_fido2(encode({.with_pin = false, .salt = {}, .credential = Bytes(400, 1)})));
  EXPECT_FALSE(decode_fido2(encode({.with_pin = false, .salt = {}, .credential = Bytes(401, 1)})));
  EXPECT_FALSE(decode_fido2(encode({.with_pin = false, .salt = {}, .credential = {}})));
}

}  // namespace
}  // namespace gims::hsm::factor
