#include "hsm/approval/key_file.hpp"

#include <gtest/gtest.h>

#include <string>

#include "support/approval_signer.hpp"

namespace gims::hsm::approval {
namespace {

using test::bytes_of;

std::string pem(const std::string& label, const std::string& base64) {
  return "-----BEGIN " + label + "-----\n" + base64 + "\n-----END " + label + "-----\n";
}

// Made by openssl for these tests; the passphrase of the closed ones is "correct horse".
struct Keys {
  KeyKind kind;
  std::string open;
  std::string closed;
  std::string public_half;
};
const std::array<Keys, 2>& made() {
  static const std::array<Keys, 2> keys{{
      {KeyKind::key_ed25519,
       pem("PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEILsqphr3Punmup093ckHSPiD6mQ4UHAWxh52MBfDsfG9"),
       pem("ENCRYPTED PRIVATE KEY",
           "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgAV9GVphRCmgICCAAw\n"
           "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEECLY4xMzAKlFkT2+BHzcgWEEQCdj\n"
           "2qS1jYkLYjtN+B772W8LuB9/LPZGqt6aV7KpYi9+wNZLZaG+RINNe2VPxTLEOb4J\n"
           "+9tQu2L28bauUVi0FY0="),
       pem("PUBLIC KEY", "MCowBQYDK2VwAyEAa4UmbIvCCijBomCUR5jrYRQhrW6KjcktpTmxsLZ5V7s=")},
      {KeyKind::key_es256,
       pem("PRIVATE KEY",
           "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNN5UVstklcy63axI\n"
           "6zeyeU7zjHlrJ3c/PDtSheqG3CihRANCAARhDyBOSGLp1WKunME9KeBkDfg8TW+v\n"
           "ifVHfPDNf65S6SqebHsiW1M1bkN51altWRUsUYzeqACUbApzNLocCN0x"),
       pem("ENCRYPTED PRIVATE KEY",
           "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhepbeA0zowAAICCAAw\n"
           "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEENmFvLRlKt99ZHeOPunK4IcEgZAH\n"
           "XmOc82e4WCDLojfm+AHb3t3En+2C5GcfQrPl43X1K+hWZVZPrK4I3uQalM5GjsUn\n"
           "ckPTm6D97Ie17PHlnOoGZ2qWuNEub04B5vtojjLgwii43+7UjLVK0FBlDsOSLzm+\n"
           "1tllwwgEF4FsNRlgJ6lV1q6uoGFchH0CbF3Ua130e4ZT0crotBN+qIIdsUYhhTU="),
       pem("PUBLIC KEY",
           "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYQ8gTkhi6dVirpzBPSngZA34PE1v\n"
           "r4n1R3zwzX+uUukqnmx7IltTNW5DedWpbVkVLFGM3qgAlGwKczS6HAjdMQ==")},
  }};
  return keys;
}
const std::string& sec1() {
  static const std::string key =
      pem("EC PRIVATE KEY",
          "MHcCAQEEIDTeVFbLZJXMut2sSOs3snlO84x5ayd3Pzw7UoXqhtwooAoGCCqGSM49\n"
          "AwEHoUQDQgAEYQ8gTkhi6dVirpzBPSngZA34PE1vr4n1R3zwzX+uUukqnmx7IltT\n"
          "NW5DedWpbVkVLFGM3qgAlGwKczS6HAjdMQ==");
  return key;
}

Result<PrivateKey> read(const std::string& text, const std::string& passphrase = "") {
  return PrivateKey::from_pem(bytes_of(text), bytes_of(passphrase));
}

Administrator owner(const PrivateKey& key) {
  Administrator one;
  one.name = "Asha";
  one.roles = {Role::administrator};
  one.kind = key.kind();
  one.public_key = key.public_key();
  return one;
}

TEST(ApprovalKeyFile, AKeyOfEitherKindSaysYes) {
  const Challenge challenge{1, 2, 3};
  for (const Keys& keys : made()) {
    const auto key = read(keys.open);
    ASSERT_TRUE(key) << key.error().text;
    EXPECT_EQ(key->kind(), keys.kind);
    const auto half = public_key_of_pem(keys.public_half);
    ASSERT_TRUE(half) << half.error().text;
    EXPECT_EQ(half->kind, keys.kind);
    EXPECT_EQ(half->bytes, key->public_key());
    ASSERT_TRUE(check(owner(*key)));
    const auto assertion = key->approve("Asha", challenge);
    ASSERT_TRUE(assertion);
    EXPECT_EQ(assertion->who, "Asha");
    EXPECT_TRUE(verify(owner(*key), challenge, *assertion));
    EXPECT_FALSE(verify(owner(*key), Challenge{1, 2, 4}, *assertion));
  }
}

TEST(ApprovalKeyFile, APassphraseOpensTheSameKey) {
  for (const Keys& keys : made()) {
    EXPECT_FALSE(wants_passphrase(bytes_of(keys.open)));
    EXPECT_TRUE(wants_passphrase(bytes_of(keys.closed)));
    const auto key = read(keys.closed, "correct horse");
    ASSERT_TRUE(key) << key.error().text;
    EXPECT_EQ(key->public_key(), read(keys.open)->public_key());
    for (const char* wrong : {"", "Correct horse", "correct horse "}) {
      const auto refused = read(keys.closed, wrong);
      ASSERT_FALSE(refused) << wrong;
      EXPECT_EQ(refused.error().code, "GIMS_APPROVAL_KEY");
    }
  }
}

TEST(ApprovalKeyFile, TheOlderFormOfP256IsRead) {
  const auto key = read(sec1());
  ASSERT_TRUE(key) << key.error().text;
  EXPECT_EQ(key->public_key(), read(made()[1].open)->public_key());
}

TEST(ApprovalKeyFile, WhatIsNoKeyIsRefused) {
  const std::string ed25519 = made()[0].open;
  // An RSA key's algorithm in the place of Ed25519's, a byte less, and other labels.
  std::string other = ed25519;
  other.replace(other.find("K2Vw"), 4, "K2Vx");
  std::string cut = ed25519;
  cut.erase(cut.find("fG9"), 3);
  for (const std::string& text :
       {std::string(), std::string("correct horse"), made()[0].public_half, other, cut,
        pem("PRIVATE KEY", ""), pem("PRIVATE KEY", "%%%%"), pem("ENCRYPTED PRIVATE KEY", "MAA="),
        std::string(max_key_file, ' ') + ed25519, ed25519.substr(0, ed25519.find("-----END"))}) {
    const auto refused = read(text, "x");
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, "GIMS_APPROVAL_KEY");
    EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
  }
  for (const std::string& text :
       {std::string(), ed25519, pem("PUBLIC KEY", "MAA="), pem("PUBLIC KEY", "")}) {
    EXPECT_FALSE(public_key_of_pem(text)) << text;
  }
}

TEST(ApprovalKeyFile, AChangedBitOfAClosedKeyOpensNoOther) {
  const std::string& closed = made()[1].closed;
  const Bytes right = read(closed, "correct horse")->public_key();
  for (std::size_t at = closed.find('\n') + 1; at < closed.find("\n-----END"); at += 3) {
    std::string changed = closed;
    if (changed[at] == '\n') continue;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    const auto key = read(changed, "correct horse");
    // Where it opens all the same (an unused parameter), it is the key that it was.
    if (key) {
      EXPECT_EQ(key->public_key(), right) << at;
    }
  }
}

}  // namespace
}  // namespace gims::hsm::approval
