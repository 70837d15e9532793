#include "hsm/pkcs11/token_vault.hpp"

#include <gtest/gtest.h>

#include "hsm/core/keys.hpp"
#include "hsm/pkcs11/errors.hpp"
#include "hsm/pkcs11/session.hpp"
#include "support/token_fixture.hpp"

namespace gims::hsm::pkcs11 {
namespace {

using test::expect_works;
using test::no_secret;
using test::random_key;
using test::same;
using test::SoftHsm;

class TokenVaultTest : public test::TokenFixture {};

TEST_F(TokenVaultTest, OpensWhatItSealedAlsoAfterARestart) {
  start();
  const SecretBytes root = random_key();
  const auto sealed = provisioned(root);
  expect_works(vault(), sealed, root);
  start();
  expect_works(vault(), sealed, root);
  EXPECT_TRUE(vault().probe());
}

TEST_F(TokenVaultTest, WrapsByGcmOrByKeyWrap) {
  for (const Wrapping wrapping : {Wrapping::gcm, Wrapping::key_wrap_pad}) {
    TokenOptions options = SoftHsm::options();
    options.wrapping = wrapping;
    start(std::move(options));
    const SecretBytes root = random_key();
    auto sealed = vault().provision(root, no_secret, true);
    ASSERT_TRUE(sealed) << sealed.error().text << sealed.error().detail;
    EXPECT_EQ(decode_blob(sealed->blob)->head.wrapping, wrapping);
    expect_works(vault(), *sealed, root);
    // The blob says which; what new blobs would get does not matter.
    start();
    expect_works(vault(), *sealed, root);
    const auto renewed = vault().renew_ca(sealed->blob);
    ASSERT_TRUE(renewed) << renewed.error().text;
    expect_works(vault(), *renewed, root);
  }
}

TEST_F(TokenVaultTest, ChoosesKeyWrapWhereThereIsNoGcm) {
  const test::Fault fault(hsm_);
  start_faulty();
  EXPECT_EQ(decode_blob(provisioned(random_key()).blob)->head.wrapping, Wrapping::gcm);
  fault.set("C_GetMechanismInfo " + std::to_string(CKM_AES_GCM));
  const SecretBytes root = random_key();
  const auto sealed = vault().provision(root, no_secret, true);
  ASSERT_TRUE(sealed) << sealed.error().text;
  EXPECT_EQ(decode_blob(sealed->blob)->head.wrapping, Wrapping::key_wrap_pad);
  expect_works(vault(), *sealed, root);
}

TEST_F(TokenVaultTest, OneBitChangedInTheBlobIsRefused) {
  for (const Wrapping wrapping : {Wrapping::gcm, Wrapping::key_wrap_pad}) {
    TokenOptions options = SoftHsm::options();
    options.wrapping = wrapping;
    start(std::move(options));
    const auto sealed = vault().provision(random_key(), no_secret, true);
    ASSERT_TRUE(sealed) << sealed.error().text;
    for (std::size_t at = 0; at < sealed->blob.size(); ++at) {
      Bytes changed = sealed->blob;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << (at % 8)));
      const auto opened = vault().open(changed);
      ASSERT_FALSE(opened) << "byte " << at;
      EXPECT_TRUE(opened.error().code.starts_with("GIMS_KEYD_")) << "byte " << at;
    }
    for (std::size_t size = 0; size < sealed->blob.size(); ++size) {
      ASSERT_FALSE(vault().open(BytesView(sealed->blob).first(size))) << size;
    }
    EXPECT_TRUE(vault().open(sealed->blob));
  }
}

TEST_F(TokenVaultTest, NothingInTheTokenCanBeReadOut) {
  start();
  provisioned(random_key());
  const std::string listed = hsm_.listed();
  const auto count = [&](std::string_view what) {
    int found = 0;
    for (std::size_t at = 0; (at = listed.find(what, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  // The wrapping key and the private halves of the three pairs.
  EXPECT_EQ(count("sensitive, always sensitive, never extractable, local"), 4) << listed;
  EXPECT_EQ(count("Secret Key Object; AES length 32"), 1) << listed;
  EXPECT_EQ(count("Private Key Object; EC"), 3) << listed;
  EXPECT_EQ(count("Private Key Object; EC_EDWARDS"), 1) << listed;
  EXPECT_EQ(count("Public Key Object; EC  EC_POINT 256 bits"), 2) << listed;
  EXPECT_EQ(count("Data object"), 1) << listed;

  // Nor does it give any of them to a session that is logged in, as ours is.
  vault_.reset();
  Session session(*module_, {.label = "gims", .serial = {}}, SoftHsm::pin_of(SoftHsm::pin));
  ASSERT_TRUE(session.ready());
  int asked = 0;
  for (const CK_OBJECT_CLASS kind : {CKO_SECRET_KEY, CKO_PRIVATE_KEY}) {
    Template like;
    like.number(CKA_CLASS, kind);
    const auto keys = session.find(like);
    ASSERT_TRUE(keys);
    for (const CK_OBJECT_HANDLE key : *keys) {
      const auto flag = [&](CK_ATTRIBUTE_TYPE type) { return *session.attribute(key, type, 1); };
      EXPECT_EQ(flag(CKA_SENSITIVE), Bytes{CK_TRUE});
      EXPECT_EQ(flag(CKA_ALWAYS_SENSITIVE), Bytes{CK_TRUE});
      EXPECT_EQ(flag(CKA_EXTRACTABLE), Bytes{CK_FALSE});
      EXPECT_EQ(flag(CKA_NEVER_EXTRACTABLE), Bytes{CK_TRUE});
      EXPECT_EQ(flag(CKA_LOCAL), Bytes{CK_TRUE}) << "made in the token";
      const auto value = session.attribute(key, CKA_VALUE, 256);
      ASSERT_FALSE(value);
      EXPECT_NE(value.error().detail.find("CKR_ATTRIBUTE_SENSITIVE"), std::string::npos)
          << value.error().detail;
      ++asked;
    }
  }
  EXPECT_EQ(asked, 4);
}

TEST_F(TokenVaultTest, ATokenThatMakesKeysThatCanBeReadOutIsRefused) {
  const test::Fault fault(hsm_);
  start_faulty();
  fault.set("C_GenerateKeyPair 0");
  const auto refused = vault().provision(random_key(), no_secret, false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("can be read out"), std::string::npos);
  fault.clear();
  // And nothing is left of it.
  EXPECT_TRUE(vault().provision(random_key(), no_secret, false));
}

TEST_F(TokenVaultTest, AProvisioningThatFailsLeavesNothing) {
  const test::Fault fault(hsm_);
  TokenOptions options = SoftHsm::options();
  options.wrapping = Wrapping::key_wrap_pad;
  start_faulty(std::move(options));
  fault.set("C_WrapKey 49");  // CKR_DEVICE_MEMORY
  const auto failed = vault().provision(random_key(), no_secret, false);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().text.find("CKR_DEVICE_MEMORY"), std::string::npos);
  fault.clear();
  EXPECT_FALSE(vault().probe());
  EXPECT_TRUE(vault().provision(random_key(), no_secret, false));
}

TEST_F(TokenVaultTest, AnEarlierSiteIsReplacedOnlyWhenSaid) {
  start();
  const auto first = provisioned(random_key());
  const auto refused = vault().provision(random_key(), no_secret, false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("earlier site"), std::string::npos);
  EXPECT_TRUE(vault().open(first.blob));
  const auto second = vault().provision(random_key(), no_secret, true);
  ASSERT_TRUE(second);
  EXPECT_TRUE(vault().open(second->blob));
  EXPECT_FALSE(vault().open(first.blob));
}

TEST_F(TokenVaultTest, DestroyingLeavesNothingInTheToken) {
  start();
  const auto sealed = provisioned(random_key());
  ASSERT_TRUE(vault().renew_ca(sealed.blob));
  EXPECT_EQ(vault().destroy(sealed.blob, nullptr), Vault::Destruction::done);
  const std::string listed = hsm_.listed();
  EXPECT_EQ(listed.find("gims issuing"), std::string::npos) << listed;
  EXPECT_EQ(listed.find("Object"), std::string::npos) << listed;
  EXPECT_EQ(listed.find("Data object"), std::string::npos) << listed;
  const auto opened = vault().open(sealed.blob);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text.find("zeroized"), std::string::npos);
  EXPECT_FALSE(vault().counter(sealed.blob, no_secret));
  EXPECT_FALSE(vault().probe());
  EXPECT_EQ(vault().destroy(sealed.blob, nullptr), Vault::Destruction::nothing_there);
}

TEST_F(TokenVaultTest, AnotherTokensKeysAreNotDestroyed) {
  start();
  const auto sealed = provisioned(random_key());
  hsm_.add("other");
  start(SoftHsm::options(SoftHsm::pin, "other"));
  const SecretBytes root = random_key();
  const auto theirs = provisioned(root);
  const auto refused = vault().destroy(sealed.blob, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_CUSTODY");
  EXPECT_NE(refused.error().text.find("not the one that made"), std::string::npos);
  expect_works(vault(), theirs, root);
  // Of the same token, but of an earlier site of it.
  const auto later = vault().provision(root, no_secret, true);
  ASSERT_TRUE(later);
  EXPECT_EQ(vault().destroy(theirs.blob, nullptr), Vault::Destruction::nothing_there);
  expect_works(vault(), *later, root);
}

TEST_F(TokenVaultTest, ATokenThatSaysItDestroyedAndDidNotIsFound) {
  const test::Fault fault(hsm_);
  start_faulty();
  const auto sealed = provisioned(random_key());
  fault.set("C_DestroyObject 0");
  const auto destroyed = vault().destroy(sealed.blob, nullptr);
  ASSERT_FALSE(destroyed);
  EXPECT_NE(destroyed.error().text.find("did not destroy"), std::string::npos);
}

TEST_F(TokenVaultTest, RenewalsKeepTheCasBefore) {
  start();
  const SecretBytes root = random_key();
  const auto first = provisioned(root);
  const auto second = vault().renew_ca(first.blob);
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_NE(second->ca_public, first.ca_public);
  expect_works(vault(), first, root);
  expect_works(vault(), *second, root);
  const auto third = vault().renew_ca(second->blob);
  ASSERT_TRUE(third);
  // Each still signs the list of what it certified.
  for (const auto& sealed : {first, *second, *third}) expect_works(vault(), sealed, root);
  // The counter is the unit's, whichever blob asks.
  EXPECT_EQ(*vault().advance(second->blob, no_secret), 1U);
  EXPECT_EQ(*vault().counter(third->blob, no_secret), 1U);
}

TEST_F(TokenVaultTest, ARenewalThatFailsLeavesTheOldCaAlone) {
  const test::Fault fault(hsm_);
  start_faulty();
  const SecretBytes root = random_key();
  const auto sealed = provisioned(root);
  fault.set("C_GenerateKeyPair 49");
  EXPECT_FALSE(vault().renew_ca(sealed.blob));
  fault.clear();
  expect_works(vault(), sealed, root);
}

TEST_F(TokenVaultTest, AnotherRootKeyOpensBesideTheOldOneUntilItIsSettled) {
  for (const Wrapping wrapping : {Wrapping::gcm, Wrapping::key_wrap_pad}) {
    TokenOptions options = SoftHsm::options();
    options.wrapping = wrapping;
    start(std::move(options));
    const SecretBytes old_root = random_key();
    const SecretBytes new_root = random_key();
    const auto old = vault().provision(old_root, no_secret, true);
    ASSERT_TRUE(old) << old.error().text;
    ASSERT_EQ(*vault().advance(old->blob, no_secret), 1U);
    const auto anew = vault().reseal(old->blob, new_root);
    ASSERT_TRUE(anew) << anew.error().text;
    EXPECT_NE(anew->ca_public, old->ca_public);
    EXPECT_EQ(anew->attestation_public, old->attestation_public);
    expect_works(vault(), *old, old_root);
    expect_works(vault(), *anew, new_root);

    ASSERT_TRUE(vault().settle(anew->blob, no_secret));
    expect_works(vault(), *anew, new_root);
    const auto gone = vault().open(old->blob);
    ASSERT_FALSE(gone);
    EXPECT_FALSE(vault().sign(old->blob, KeyUse::issuing_ca, Digest{}));
    EXPECT_FALSE(vault().settle(old->blob, no_secret));
    // The unit's counter goes on.
    EXPECT_EQ(*vault().advance(anew->blob, no_secret), 2U);
    EXPECT_TRUE(vault().settle(anew->blob, no_secret)) << "done already";
  }
}

TEST_F(TokenVaultTest, SettlingWithTheOldOneDropsTheNew) {
  start();
  const SecretBytes root = random_key();
  const auto old = provisioned(root);
  const auto renewed = vault().renew_ca(old.blob);
  ASSERT_TRUE(renewed);
  const auto anew = vault().reseal(old.blob, random_key());
  ASSERT_TRUE(anew);
  ASSERT_TRUE(vault().settle(old.blob, no_secret));
  EXPECT_FALSE(vault().open(anew->blob));
  // Two CA keys of one sealing are both good.
  expect_works(vault(), old, root);
  expect_works(vault(), *renewed, root);
}

TEST_F(TokenVaultTest, ASealingThatFailsLeavesNothing) {
  const test::Fault fault(hsm_);
  start_faulty();
  const SecretBytes root = random_key();
  const auto sealed = provisioned(root);
  const std::string before = hsm_.listed();
  fault.set("C_GenerateKeyPair 49");
  EXPECT_FALSE(vault().reseal(sealed.blob, random_key()));
  fault.clear();
  EXPECT_EQ(hsm_.listed().size(), before.size()) << hsm_.listed();
  expect_works(vault(), sealed, root);
}

TEST_F(TokenVaultTest, SignsEventsOfAnySizeWithAKeyOfItsOwn) {
  start();
  const auto sealed = provisioned(random_key());
  ASSERT_TRUE(sealed.server_public);
  for (const std::size_t size : {std::size_t{2}, std::size_t{1000}, max_event}) {
    Bytes event(size, ' ');
    event.front() = '{';
    event.back() = '}';
    const std::vector<BytesView> events(3, event);
    const auto signatures = vault().sign_events(sealed.blob, events);
    ASSERT_TRUE(signatures) << signatures.error().text;
    ASSERT_EQ(signatures->size(), 3U);
    for (const Signature& signature : *signatures) {
      EXPECT_TRUE(server_key_verifies(*sealed.server_public, event, signature));
    }
    event.front() = '[';
    EXPECT_FALSE(server_key_verifies(*sealed.server_public, event, signatures->front()));
  }
  // It is the unit's: another sealing and another CA leave it, another provisioning does not.
  EXPECT_EQ(vault().renew_ca(sealed.blob)->server_public, sealed.server_public);
  EXPECT_EQ(vault().reseal(sealed.blob, random_key())->server_public, sealed.server_public);
  EXPECT_NE(vault().provision(random_key(), no_secret, true)->server_public, sealed.server_public);
}

TEST_F(TokenVaultTest, WithoutEdDsaItHoldsNoKeyForEvents) {
  const test::Fault fault(hsm_);
  start_faulty();
  for (const CK_MECHANISM_TYPE missing : {CKM_EDDSA, CKM_EC_EDWARDS_KEY_PAIR_GEN}) {
    fault.set("C_GetMechanismInfo " + std::to_string(missing));
    const SecretBytes root = random_key();
    const auto sealed = vault().provision(root, no_secret, true);
    ASSERT_TRUE(sealed) << sealed.error().text;
    EXPECT_FALSE(sealed->server_public);
    expect_works(vault(), *sealed, root);
    const Bytes event{'{', '}'};
    const std::vector<BytesView> events{event};
    const auto refused = vault().sign_events(sealed->blob, events);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "GIMS_KEYD_CUSTODY");
    EXPECT_EQ(hsm_.listed().find("gims server key"), std::string::npos);
  }
}

TEST_F(TokenVaultTest, AProvisioningThatFailsWithAnOperationOpenLeavesNothing) {
  const test::Fault fault(hsm_);
  auto options = test::SoftHsm::options();
  options.wrapping = Wrapping::gcm;
  start_faulty(std::move(options));
  // SoftHSM does not hear of it, and takes no other operation in that session.
  fault.set("C_Encrypt " + std::to_string(CKR_GENERAL_ERROR) + " once");
  const auto sealed = vault().provision(random_key(), no_secret, false);
  ASSERT_FALSE(sealed);
  EXPECT_EQ(sealed.error().text.find("in the token still"), std::string::npos)
      << sealed.error().text;
  EXPECT_EQ(hsm_.listed().find("gims "), std::string::npos) << hsm_.listed();
}

TEST_F(TokenVaultTest, ATokenThatSignsNoLongEventHoldsNoKeyForThem) {
  const test::Fault fault(hsm_);
  start_faulty();
  // Only the key for events signs while it is provisioned.
  fault.set("C_Sign " + std::to_string(CKR_DATA_LEN_RANGE));
  const auto sealed = vault().provision(random_key(), no_secret, false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  EXPECT_FALSE(sealed->server_public);
  EXPECT_EQ(hsm_.listed().find("gims server key"), std::string::npos);
}

TEST_F(TokenVaultTest, TheCounterGoesUpAndIsKept) {
  start();
  const auto sealed = provisioned(random_key());
  EXPECT_EQ(*vault().counter(sealed.blob, no_secret), 0U);
  for (std::uint64_t i = 1; i <= 300; ++i) ASSERT_EQ(*vault().advance(sealed.blob, no_secret), i);
  start();
  EXPECT_EQ(*vault().counter(sealed.blob, no_secret), 300U);
  EXPECT_EQ(hsm_.listed().find("gims counter", hsm_.listed().find("gims counter") + 1),
            std::string::npos);
}

TEST_F(TokenVaultTest, TheHighestCounterCounts) {
  const test::Fault fault(hsm_);
  start_faulty();
  const auto sealed = provisioned(random_key());
  // As after a crash between the new one's making and the old one's end.
  fault.set("C_DestroyObject 0");
  EXPECT_EQ(*vault().advance(sealed.blob, no_secret), 1U);
  EXPECT_EQ(*vault().counter(sealed.blob, no_secret), 1U);
  fault.clear();
  EXPECT_EQ(*vault().advance(sealed.blob, no_secret), 2U);
  EXPECT_EQ(*vault().counter(sealed.blob, no_secret), 2U);
}

TEST_F(TokenVaultTest, AnotherTokenOpensNothing) {
  start();
  const auto sealed = provisioned(random_key());
  hsm_.add("other");
  start(SoftHsm::options(SoftHsm::pin, "other"));
  for (const bool provision_it : {false, true}) {
    if (provision_it) {
      ASSERT_TRUE(vault().provision(random_key(), no_secret, false));
    }
    const auto opened = vault().open(sealed.blob);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::unavailable);
    EXPECT_NE(opened.error().text.find("another token"), std::string::npos);
    EXPECT_FALSE(vault().sign(sealed.blob, KeyUse::issuing_ca, Digest{}));
    EXPECT_FALSE(vault().counter(sealed.blob, no_secret));
  }
}

TEST_F(TokenVaultTest, SaysWhichTokensThereAre) {
  hsm_.add("second");
  start({.token = {.label = "third", .serial = {}},
         .pin = SoftHsm::pin_of(SoftHsm::pin),
         .wrapping = {}});
  const auto missing = vault().probe();
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text.find("no token \"third\""), std::string::npos);
  EXPECT_NE(missing.error().text.find("second"), std::string::npos) << missing.error().text;

  hsm_.add("gims");
  start();
  const auto twice = vault().probe();
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().text.find("serial number"), std::string::npos) << twice.error().text;
}

TEST_F(TokenVaultTest, FindsItsTokenByTheSerialNumber) {
  hsm_.add("second");
  start();
  const Result<Vault::Info> first = vault().info();
  ASSERT_TRUE(first);
  auto module = Module::load(SoftHsm::module);
  ASSERT_TRUE(module);
  ASSERT_TRUE((*module)->initialize());
  const auto slots = (*module)->slots();
  ASSERT_TRUE(slots);
  for (const CK_SLOT_ID slot : *slots) {
    CK_TOKEN_INFO info{};
    ASSERT_EQ((*module)->functions().C_GetTokenInfo(slot, &info), CKR_OK);
    if (unpadded(info.label) != "second") continue;
    start({.token = {.label = {}, .serial = unpadded(info.serialNumber)},
           .pin = SoftHsm::pin_of(SoftHsm::pin),
           .wrapping = {}});
    const auto found = vault().info();
    ASSERT_TRUE(found) << found.error().text;
    EXPECT_NE(found->description.find("\"second\""), std::string::npos);
    return;
  }
  FAIL() << "there is no second token";
}

TEST_F(TokenVaultTest, SaysWhatItIs) {
  start();
  const auto info = vault().info();
  ASSERT_TRUE(info) << info.error().text;
  EXPECT_TRUE(info->software);
  EXPECT_EQ(info->description,
            "PKCS#11 2.40 (SoftHSM project, SoftHSM v2), token \"gims\", with EdDSA");
  start_faulty();
  EXPECT_EQ(vault().info()->description,
            "PKCS#11 3.0 (SoftHSM project, SoftHSM v2), token \"gims\", with EdDSA");
}

}  // namespace
}  // namespace gims::hsm::pkcs11
