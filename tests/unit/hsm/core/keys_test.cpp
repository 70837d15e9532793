#include "hsm/core/keys.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <set>
#include <string>

#include "hsm/ca/hex.hpp"

namespace gims::hsm {
namespace {

SecretBytes key_of(std::uint8_t fill) { return *SecretBytes::copy_of(Bytes(key_size, fill)); }

Bytes plain(const SecretBytes& secret) { return {secret.bytes().begin(), secret.bytes().end()}; }

TEST(KeydKeys, EachPurposeHasAKeyOfItsOwn) {
  std::set<Bytes> keys{plain(key_of(1))};
  for (std::uint8_t purpose = 1; purpose <= 14; ++purpose) {
    keys.insert(plain(*derive(key_of(1), static_cast<Purpose>(purpose))));
  }
  EXPECT_EQ(keys.size(), 15U);
  EXPECT_EQ(plain(*derive(key_of(1), Purpose::data)), plain(*derive(key_of(1), Purpose::data)));
  EXPECT_NE(plain(*derive(key_of(1), Purpose::data)), plain(*derive(key_of(2), Purpose::data)));
  const auto all = derive_data_keys(key_of(1));
  ASSERT_TRUE(all);
  EXPECT_EQ(plain(all->media), plain(*derive(key_of(1), Purpose::media)));
  EXPECT_EQ(plain(all->pepper), plain(*derive(key_of(1), Purpose::pepper)));
}

TEST(KeydKeys, TheVolumesIsTwoKeysOfItsOwn) {
  const auto volume = derive_volume_key(key_of(1));
  ASSERT_TRUE(volume);
  ASSERT_EQ(volume->size(), volume_key_size);
  const Bytes both = plain(*volume);
  std::set<Bytes> keys{{both.begin(), both.begin() + key_size},
                       {both.begin() + key_size, both.end()}};
  for (std::uint8_t purpose = 1; purpose <= 14; ++purpose) {
    keys.insert(plain(*derive(key_of(1), static_cast<Purpose>(purpose))));
  }
  EXPECT_EQ(keys.size(), 16U) << "XTS with two equal halves is none";
  EXPECT_EQ(plain(*derive_volume_key(key_of(1))), both);
  EXPECT_NE(plain(*derive_volume_key(key_of(2))), both);
}

TEST(KeydKeys, EachNumberIsAPassphraseOfTheWifis) {
  const SecretBytes wifi = *derive(key_of(1), Purpose::wifi);
  std::set<Bytes> passphrases;
  for (std::uint64_t number = 1; number <= 100; ++number) {
    const auto passphrase = derive_wifi_passphrase(wifi, number);
    ASSERT_TRUE(passphrase);
    const Bytes text = plain(*passphrase);
    EXPECT_EQ(text, plain(*derive_wifi_passphrase(wifi, number)));
    const std::string shown(text.begin(), text.end());
    EXPECT_THAT(shown,
                testing::MatchesRegex(
                    "[a-km-np-z2-9]{4}-[a-km-np-z2-9]{4}-[a-km-np-z2-9]{4}-[a-km-np-z2-9]{4}"));
    passphrases.insert(text);
  }
  EXPECT_EQ(passphrases.size(), 100U);
  EXPECT_NE(plain(*derive_wifi_passphrase(key_of(2), 1)), plain(*derive_wifi_passphrase(wifi, 1)));
}

// crypto_kdf is BLAKE2b with the number as salt and the context as personalisation (libsodium,
// "Key derivation"): computed here by its generic hash.
TEST(KeydKeys, AreThoseOfLibsodiumsKeyDerivation) {
  const SecretBytes root = key_of(5);
  std::array<std::uint8_t, crypto_generichash_blake2b_SALTBYTES> salt{
      static_cast<std::uint8_t>(Purpose::token_hash)};
  std::array<std::uint8_t, crypto_generichash_blake2b_PERSONALBYTES> personal{'g', 'i', 'm', 's',
                                                                              'k', 'e', 'y', 'd'};
  Bytes expected(key_size);
  crypto_generichash_blake2b_salt_personal(expected.data(), expected.size(), nullptr, 0,
                                           root.bytes().data(), root.size(), salt.data(),
                                           personal.data());
  EXPECT_EQ(plain(*derive(root, Purpose::token_hash)), expected);
}

TEST(KeydKeys, WhatIsWrappedOpensOnlyWithItsKeyLabelAndBytes) {
  const SecretBytes secret = key_of(9);
  const Bytes wrapped = wrap(key_of(1), "label", secret);
  EXPECT_NE(wrapped, wrap(key_of(1), "label", secret)) << "the nonce is new each time";
  const auto opened = unwrap(key_of(1), "label", wrapped);
  ASSERT_TRUE(opened);
  EXPECT_EQ(plain(*opened), plain(secret));
  EXPECT_FALSE(unwrap(key_of(2), "label", wrapped));
  EXPECT_FALSE(unwrap(key_of(1), "labels", wrapped));
  for (std::size_t at = 0; at < wrapped.size(); ++at) {
    Bytes changed = wrapped;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 0x10U);
    EXPECT_FALSE(unwrap(key_of(1), "label", changed)) << at;
    EXPECT_FALSE(unwrap(key_of(1), "label", BytesView(wrapped).first(at))) << at;
  }
}

TEST(KeydKeys, AMacHoldsForItsKeyAndBytesAlone) {
  Bytes bytes{1, 2, 3};
  append_mac(key_of(1), bytes);
  ASSERT_EQ(bytes.size(), 3 + mac_size);
  const auto checked = checked_by_mac(key_of(1), bytes);
  ASSERT_TRUE(checked);
  EXPECT_EQ(Bytes(checked->begin(), checked->end()), (Bytes{1, 2, 3}));
  EXPECT_FALSE(checked_by_mac(key_of(2), bytes));
  EXPECT_FALSE(checked_by_mac(key_of(1), BytesView(bytes).subspan(1)));
  EXPECT_FALSE(checked_by_mac(key_of(1), Bytes(mac_size - 1, 0)));
}

// RFC 8032, section 7.1, TEST 2.
TEST(KeydKeys, SignsWithEd25519) {
  const Bytes seed{0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3,
                   0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab,
                   0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb};
  const std::array<std::uint8_t, 32> public_key{0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a,
                                                0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b, 0x7e, 0xbc,
                                                0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c,
                                                0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c};
  const Signature expected{0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82,
                           0x0b, 0x5f, 0x64, 0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50,
                           0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08,
                           0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13,
                           0xd0, 0xf1, 0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a,
                           0xee, 0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00};
  const auto key = server_key_from_seed(*SecretBytes::copy_of(seed));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->published.public_key, public_key);
  EXPECT_EQ(sign_with(*key, Bytes{0x72}), expected);
  EXPECT_TRUE(key->published.key_id.starts_with("ed25519:"));
  EXPECT_EQ(key->published.key_id.size(), 16U);
}

TEST(KeydKeys, FollowFromAKeyOfTheRightSizeAlone) {
  for (const std::size_t size : {std::size_t{0}, key_size - 1, key_size + 1}) {
    const SecretBytes other = *SecretBytes::copy_of(Bytes(size, 1));
    for (const auto& made : {derive(other, Purpose::data), derive_for_hardware(other, 1)}) {
      ASSERT_FALSE(made) << size;
      EXPECT_EQ(made.error().kind, ErrorKind::internal);
      EXPECT_EQ(made.error().code, "GIMS_KEYD_INTERNAL");
    }
    EXPECT_FALSE(derive_data_keys(other)) << size;
    EXPECT_FALSE(derive_volume_key(other)) << size;
    EXPECT_FALSE(derive_wifi_passphrase(other, 1)) << size;
  }
}

}  // namespace
}  // namespace gims::hsm
