#include "hsm/pkcs11/token_vault.hpp"

#include <gtest/gtest.h>

#include "base/log.hpp"
#include "hsm/pkcs11/errors.hpp"
#include "hsm/proto/messages.hpp"
#include "support/p256.hpp"
#include "support/softhsm.hpp"

namespace gims::hsm::pkcs11 {
namespace {

using test::SoftHsm;

// An HSM has its PIN, and takes no password of the site's.
const SecretBytes no_secret;

SecretBytes random_key() { return *SecretBytes::random(key_size); }

bool same(const SecretBytes& a, const SecretBytes& b) {
  return equal_in_constant_time(a.bytes(), b.bytes());
}

// A token of one's own, the module, and the vault over them; as a gims-pkcs11d.
class TokenVaultTest : public testing::Test {
 protected:
  TokenVaultTest() { log::set_level(static_cast<log::Level>(0)); }

  Vault& start(TokenOptions options = SoftHsm::options(), const char* path = SoftHsm::module) {
    vault_.reset();
    auto module = Module::load(path);
    EXPECT_TRUE(module) << module.error().text;
    module_ = std::move(*module);
    vault_ = make_token_vault(*module_, std::move(options));
    return *vault_;
  }
  Vault& start_faulty(TokenOptions options = SoftHsm::options()) {
    return start(std::move(options), GIMS_FAULTY_MODULE);
  }
  Vault& vault() { return *vault_; }
  Vault::Sealed provisioned(const SecretBytes& root) {
    auto sealed = vault().provision(root, no_secret, false);
    EXPECT_TRUE(sealed) << sealed.error().text << sealed.error().detail;
    return std::move(*sealed);
  }

  SoftHsm hsm_;
  std::unique_ptr<Module> module_;
  std::unique_ptr<Vault> vault_;
};

void expect_works(Vault& vault, const Vault::Sealed& sealed, const SecretBytes& root) {
  const auto opened = vault.open(sealed.blob);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(same(opened->root_key, root));
  EXPECT_EQ(opened->ca_public, sealed.ca_public);
  EXPECT_EQ(opened->attestation_public, sealed.attestation_public);
  const Digest digest{1, 2, 3};
  for (const KeyUse use : {KeyUse::issuing_ca, KeyUse::attestation}) {
    const auto signature = vault.sign(sealed.blob, use, digest);
    ASSERT_TRUE(signature) << signature.error().text;
    const bool ca = use == KeyUse::issuing_ca;
    EXPECT_TRUE(
        test::p256_verifies(ca ? sealed.ca_public : sealed.attestation_public, digest, *signature));
    EXPECT_FALSE(
        test::p256_verifies(ca ? sealed.attestation_public : sealed.ca_public, digest, *signature));
  }
}

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
  fault.set("C_GetMechanismInfo 112");  // CKR_MECHANISM_INVALID
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
  // The wrapping key and the private halves of the two pairs.
  EXPECT_EQ(count("sensitive, always sensitive, never extractable, local"), 3) << listed;
  EXPECT_EQ(count("Secret Key Object; AES length 32"), 1) << listed;
  EXPECT_EQ(count("Private Key Object; EC"), 2) << listed;
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
      const auto value = session.attribute(key, CKA_VALUE, 256);
      ASSERT_FALSE(value);
      EXPECT_NE(value.error().detail.find("CKR_ATTRIBUTE_SENSITIVE"), std::string::npos)
          << value.error().detail;
      ++asked;
    }
  }
  EXPECT_EQ(asked, 3);
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
  start({.token = {.label = "other", .serial = {}},
         .pin = SoftHsm::pin_of(SoftHsm::pin),
         .wrapping = {}});
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

TEST_F(TokenVaultTest, ARenewalKeepsTheOldCaUntilTheNext) {
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
  expect_works(vault(), *second, root);
  expect_works(vault(), *third, root);
  EXPECT_FALSE(vault().open(first.blob));
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
  start({.token = {.label = "other", .serial = {}},
         .pin = SoftHsm::pin_of(SoftHsm::pin),
         .wrapping = {}});
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

TEST_F(TokenVaultTest, ATokenThatIsPulledIsAwayAndWorksWhenItIsBack) {
  start();
  const SecretBytes root = random_key();
  const auto sealed = provisioned(root);
  for (int round = 0; round < 3; ++round) {
    hsm_.pull();
    EXPECT_FALSE(vault().probe());
    const auto opened = vault().open(sealed.blob);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::unavailable) << opened.error().text;
    EXPECT_FALSE(vault().sign(sealed.blob, KeyUse::issuing_ca, Digest{}));
    const auto destroyed = vault().destroy(sealed.blob, nullptr);
    ASSERT_FALSE(destroyed);
    EXPECT_EQ(destroyed.error().code, away_code);
    hsm_.plug();
    EXPECT_TRUE(vault().probe());
    expect_works(vault(), sealed, root);
  }
}

TEST_F(TokenVaultTest, ASessionThatWasLostIsOpenedAnewWithinTheCall) {
  const test::Fault fault(hsm_);
  start_faulty();
  const SecretBytes root = random_key();
  const auto sealed = provisioned(root);
  for (const CK_RV lost :
       {CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT, CKR_DEVICE_ERROR}) {
    const int logins = fault.calls("C_Login");
    fault.set("C_Sign " + std::to_string(lost) + " once");
    const auto signature = vault().sign(sealed.blob, KeyUse::issuing_ca, Digest{});
    EXPECT_TRUE(signature) << name_of(lost) << " " << signature.error().text;
    EXPECT_EQ(fault.calls("C_Login"), logins + 1) << name_of(lost);
    // For as long as it stays so: an error, and no end of attempts.
    fault.set("C_Sign " + std::to_string(lost));
    const auto failed = vault().sign(sealed.blob, KeyUse::issuing_ca, Digest{});
    ASSERT_FALSE(failed) << name_of(lost);
    EXPECT_EQ(failed.error().kind, ErrorKind::unavailable);
    EXPECT_NE(failed.error().text.find(name_of(lost)), std::string::npos);
    fault.clear();
    expect_works(vault(), sealed, root);
  }
}

TEST_F(TokenVaultTest, AWrongPinIsTriedOnce) {
  const test::Fault fault(hsm_);
  start_faulty(SoftHsm::options("111111"));
  for (int i = 0; i < 5; ++i) {
    const auto refused = vault().probe();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
    EXPECT_NE(refused.error().text.find("CKR_PIN_INCORRECT"), std::string::npos);
    EXPECT_NE(refused.error().text.find("pin_file"), std::string::npos);
    EXPECT_FALSE(vault().provision(random_key(), no_secret, true));
  }
  EXPECT_EQ(fault.calls("C_Login"), 1);
  // Until it is started with the right one.
  start_faulty();
  provisioned(random_key());
}

TEST_F(TokenVaultTest, ThePinIsNotTriedWhenOneTryIsLeft) {
  const test::Fault fault(hsm_);
  for (const auto& [flag, told] : {std::pair{CKF_USER_PIN_FINAL_TRY, "one more PIN"},
                                   std::pair{CKF_USER_PIN_LOCKED, "is locked"}}) {
    start_faulty();
    fault.set("C_GetTokenInfo " + std::to_string(flag));
    const auto refused = vault().probe();
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text.find(told), std::string::npos) << refused.error().text;
    fault.clear();
    EXPECT_FALSE(vault().probe());
  }
  EXPECT_EQ(fault.calls("C_Login"), 0);
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
