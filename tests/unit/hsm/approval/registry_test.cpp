#include "hsm/approval/registry.hpp"

#include <gtest/gtest.h>

#include "support/approval_signer.hpp"

namespace gims::hsm::approval {
namespace {

using test::Signer;
using test::operator+;

Bytes encoded(const Registry& registry) {
  Bytes room(max_frame_size);
  Writer writer(room);
  encode(writer, registry);
  return {writer.body().begin(), writer.body().end()};
}

std::string code(const Result<>& result) { return result ? "good" : result.error().code; }

// Four persons, one of each kind.
Registry four() {
  Registry registry;
  int number = 0;
  for (const KeyKind kind : {KeyKind::webauthn_es256, KeyKind::webauthn_eddsa, KeyKind::key_es256,
                             KeyKind::key_ed25519}) {
    EXPECT_TRUE(registry.add(Signer("person " + std::to_string(++number), kind).about()));
  }
  return registry;
}

TEST(ApprovalRegistry, FindsAddsAndRemoves) {
  Registry registry = four();
  EXPECT_EQ(registry.all().size(), 4U);
  ASSERT_NE(registry.find("person 2"), nullptr);
  EXPECT_EQ(registry.find("person 2")->kind, KeyKind::webauthn_eddsa);
  EXPECT_EQ(registry.find("person 5"), nullptr);
  EXPECT_EQ(registry.find(""), nullptr);
  EXPECT_TRUE(registry.remove("person 2"));
  EXPECT_EQ(registry.find("person 2"), nullptr);
  EXPECT_EQ(registry.all()[1].name, "person 3");
  EXPECT_EQ(code(registry.remove("person 2")), "GIMS_APPROVAL_UNKNOWN");
}

TEST(ApprovalRegistry, ChangesRoles) {
  Registry registry = four();
  EXPECT_TRUE(registry.set_roles("person 1", {Role::auditor, Role::security_officer}));
  EXPECT_TRUE(registry.find("person 1")->roles.any_of({Role::auditor}));
  EXPECT_FALSE(registry.find("person 1")->roles.any_of({Role::administrator}));
  EXPECT_EQ(code(registry.set_roles("person 1", {})), "GIMS_APPROVAL_ADMINISTRATOR");
  EXPECT_EQ(code(registry.set_roles("nobody", {Role::auditor})), "GIMS_APPROVAL_UNKNOWN");
  EXPECT_TRUE(registry.find("person 1")->roles.any_of({Role::auditor}));
}

TEST(ApprovalRegistry, NamesCredentialsAndKeysAreThereOnce) {
  Registry registry;
  const Signer asha("Asha", KeyKind::webauthn_es256);
  ASSERT_TRUE(registry.add(asha.about()));
  const Administrator other = Signer("Bela", KeyKind::webauthn_es256).about();

  Administrator same_name = other;
  same_name.name = "Asha";
  EXPECT_EQ(code(registry.add(same_name)), "GIMS_APPROVAL_TAKEN");
  Administrator same_credential = other;
  same_credential.credential_id = asha.about().credential_id;
  EXPECT_EQ(code(registry.add(same_credential)), "GIMS_APPROVAL_TAKEN");
  Administrator same_key = other;
  same_key.public_key = asha.about().public_key;
  EXPECT_EQ(code(registry.add(same_key)), "GIMS_APPROVAL_TAKEN");
  // The same key as one of a file.
  Administrator in_a_file = Signer("Bela", KeyKind::key_es256).about();
  in_a_file.public_key = asha.about().public_key;
  EXPECT_EQ(code(registry.add(in_a_file)), "GIMS_APPROVAL_TAKEN");
  EXPECT_TRUE(registry.add(other));
  // Keys of files have no credential, which is none in common.
  EXPECT_TRUE(registry.add(Signer("Chitra", KeyKind::key_ed25519).about()));
  EXPECT_TRUE(registry.add(Signer("Dev", KeyKind::key_ed25519).about()));
}

TEST(ApprovalRegistry, HoldsSixteen) {
  Registry registry;
  for (int i = 0; i < 16; ++i) {
    ASSERT_TRUE(registry.add(Signer(std::to_string(i), KeyKind::key_ed25519).about()));
  }
  EXPECT_EQ(code(registry.add(Signer("16", KeyKind::key_ed25519).about())), "GIMS_APPROVAL_FULL");
  EXPECT_EQ(decode_registry(encoded(registry)), registry);
}

TEST(ApprovalRegistry, RemembersTheCounter) {
  Registry registry;
  const Signer asha("Asha", KeyKind::webauthn_es256);
  ASSERT_TRUE(registry.add(asha.about()));
  const Challenge challenge{5};
  EXPECT_TRUE(registry.verify(challenge, asha.approve(challenge, 7)));
  EXPECT_EQ(registry.find("Asha")->sign_count, 7U);
  EXPECT_EQ(code(registry.verify(challenge, asha.approve(challenge, 7))), "GIMS_APPROVAL_COUNTER");
  // One that is refused does not move it.
  EXPECT_EQ(code(registry.verify(challenge, asha.approve(Challenge{6}, 9))),
            "GIMS_APPROVAL_ASSERTION");
  EXPECT_EQ(registry.find("Asha")->sign_count, 7U);
  EXPECT_TRUE(registry.verify(challenge, asha.approve(challenge, 8)));
  const auto again = decode_registry(encoded(registry));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->find("Asha")->sign_count, 8U);
  EXPECT_EQ(code(registry.verify(challenge, Signer("Bela", KeyKind::key_es256).approve(challenge))),
            "GIMS_APPROVAL_UNKNOWN");
}

TEST(ApprovalRegistry, WhateverIsTakenHasOneForm) {
  const Registry registry = four();
  const Bytes body = encoded(registry);
  EXPECT_EQ(decode_registry(body), registry);
  EXPECT_EQ(decode_registry(Bytes{0}), Registry());
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_FALSE(decode_registry(BytesView(body).first(size))) << size;
  }
  EXPECT_FALSE(decode_registry(body + Bytes{0}));
  for (std::size_t at = 0; at < body.size(); ++at) {
    for (const std::uint8_t other : Bytes{0x00, 0x01, 0x41, 0x7f, 0x80, 0xff}) {
      Bytes changed = body;
      changed[at] = other;
      const auto decoded = decode_registry(changed);
      if (decoded) {
        EXPECT_EQ(encoded(*decoded), changed) << at;
      }
    }
  }
}

TEST(ApprovalRegistry, AListWithOnePersonTwiceIsRefused) {
  Registry one;
  ASSERT_TRUE(one.add(Signer("Asha", KeyKind::key_ed25519).about()));
  const Bytes body = encoded(one);
  const Bytes twice =
      Bytes{2} + Bytes(body.begin() + 1, body.end()) + Bytes(body.begin() + 1, body.end());
  EXPECT_FALSE(decode_registry(twice));
}

TEST(ApprovalAdministrator, ComesBackAsItWas) {
  const Administrator one = Signer("Asha", KeyKind::webauthn_eddsa).about();
  Bytes room(2048);
  Writer writer(room);
  encode(writer, one);
  EXPECT_EQ(decode_administrator(writer.body()), one);
  const Bytes longer = Bytes(writer.body().begin(), writer.body().end()) + Bytes{0};
  EXPECT_EQ(decode_administrator(longer).error().code, "GIMS_KEYD_FRAME");
}

class AdministratorTest : public testing::Test {
 protected:
  static bool good(const Administrator& one) {
    const auto checked = check(one);
    if (!checked) {
      EXPECT_EQ(checked.error().code, "GIMS_APPROVAL_ADMINISTRATOR");
    }
    Registry registry;
    EXPECT_EQ(registry.add(one).has_value(), checked.has_value());
    Bytes room(4096);
    Writer writer(room);
    encode(writer, one);
    EXPECT_EQ(decode_administrator(writer.body()).has_value(), checked.has_value());
    return checked.has_value();
  }
  Administrator p256 = Signer("Asha", KeyKind::webauthn_es256).about();
  Administrator ed25519 = Signer("Asha", KeyKind::key_ed25519).about();
};

TEST_F(AdministratorTest, NamesAreUtf8WithoutControlCharacters) {
  for (const std::string name : {"a", "Joint Secretary (Äšha)", "नमस्ते", "\xc2\xa0"}) {
    p256.name = name;
    EXPECT_TRUE(good(p256)) << name;
  }
  p256.name = std::string(64, 'a');
  EXPECT_TRUE(good(p256));
  p256.name = std::string(65, 'a');
  EXPECT_FALSE(good(p256));
  for (const std::string name :
       {"", "a\n", "\x1b[2J", "\x7f", "\xc2\x80", "\xc2\x9f", "\xff", "\xc3", "\xed\xa0\x80"}) {
    p256.name = name;
    EXPECT_FALSE(good(p256)) << name;
  }
  p256.name = std::string(1, '\0');
  EXPECT_FALSE(good(p256));
}

TEST_F(AdministratorTest, RolesAreSomeOfTheThree) {
  p256.roles.bits = 7;
  EXPECT_TRUE(good(p256));
  for (const std::uint8_t bits : Bytes{0, 8, 15, 255}) {
    p256.roles.bits = bits;
    EXPECT_FALSE(good(p256)) << +bits;
  }
}

TEST_F(AdministratorTest, KindsAreFour) {
  for (const int kind : {0, 5, 255}) {
    p256.kind = static_cast<KeyKind>(kind);
    EXPECT_FALSE(good(p256)) << kind;
  }
}

TEST_F(AdministratorTest, AKeyOfP256IsAPointOfTheCurve) {
  ASSERT_TRUE(good(p256));
  const Bytes key = p256.public_key;
  p256.public_key[64] ^= 1U;  // off the curve
  EXPECT_FALSE(good(p256));
  p256.public_key = Bytes{0};  // the point at infinity
  EXPECT_FALSE(good(p256));
  p256.public_key = Bytes(65, 0);
  EXPECT_FALSE(good(p256));
  p256.public_key = Bytes{4} + Bytes(64, 0);
  EXPECT_FALSE(good(p256));
  // Compressed, with another first byte, X of the field's size and more, cut, longer.
  p256.public_key = Bytes(key.begin(), key.begin() + 33);
  p256.public_key[0] = static_cast<std::uint8_t>(2U | (key[64] & 1U));
  EXPECT_FALSE(good(p256));
  p256.public_key = key;
  p256.public_key[0] = 6;
  EXPECT_FALSE(good(p256));
  p256.public_key = Bytes{4} + Bytes(64, 0xff);
  EXPECT_FALSE(good(p256));
  p256.public_key = Bytes(key.begin(), key.end() - 1);
  EXPECT_FALSE(good(p256));
  p256.public_key = key + Bytes{0};
  EXPECT_FALSE(good(p256));
  p256.public_key = ed25519.public_key;
  EXPECT_FALSE(good(p256));
}

TEST_F(AdministratorTest, AKeyOfEd25519IsAPointOfTheGroup) {
  ASSERT_TRUE(good(ed25519));
  const Bytes key = ed25519.public_key;
  // Points of small order: with these anybody's signature could hold.
  for (const Bytes& weak :
       {Bytes{1} + Bytes(31, 0), Bytes(32, 0), Bytes{0xec} + Bytes(30, 0xff) + Bytes{0x7f}}) {
    ed25519.public_key = weak;
    EXPECT_FALSE(good(ed25519));
  }
  ed25519.public_key = Bytes(32, 0xff);  // not below the field's prime
  EXPECT_FALSE(good(ed25519));
  ed25519.public_key = Bytes(key.begin(), key.end() - 1);
  EXPECT_FALSE(good(ed25519));
  ed25519.public_key = key + Bytes{0};
  EXPECT_FALSE(good(ed25519));
  ed25519.public_key = p256.public_key;
  EXPECT_FALSE(good(ed25519));
}

TEST_F(AdministratorTest, CredentialAndDomainAreOfWebAuthnAlone) {
  for (Administrator one : {ed25519, Signer("Asha", KeyKind::key_es256).about()}) {
    one.credential_id = {1};
    EXPECT_FALSE(good(one));
    one.credential_id.clear();
    one.rp_id = "gims.internal";
    EXPECT_FALSE(good(one));
    one.rp_id.clear();
    one.sign_count = 1;
    EXPECT_FALSE(good(one));
  }
  p256.credential_id = Bytes(255, 1);
  EXPECT_TRUE(good(p256));
  p256.credential_id = Bytes(256, 1);
  EXPECT_FALSE(good(p256));
  p256.credential_id.clear();
  EXPECT_FALSE(good(p256));
}

TEST_F(AdministratorTest, TheDomainIsOneInSmallLetters) {
  for (const std::string rp_id : {"localhost", "gims.internal", "a-1.example"}) {
    p256.rp_id = rp_id;
    EXPECT_TRUE(good(p256)) << rp_id;
  }
  p256.rp_id = std::string(253, 'a');
  EXPECT_TRUE(good(p256));
  p256.rp_id = std::string(254, 'a');
  EXPECT_FALSE(good(p256));
  for (const std::string rp_id : {"", "Gims.internal", "gims.internal:8443", "https://gims", "a/b",
                                  "a\"", ".gims", "gims.", "a..b", "ä", "a b"}) {
    p256.rp_id = rp_id;
    EXPECT_FALSE(good(p256)) << rp_id;
  }
}

}  // namespace
}  // namespace gims::hsm::approval
