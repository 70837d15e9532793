#include "hsm/tpm2/tpm2_vault.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "hsm/ca/sha256.hpp"
#include "hsm/proto/messages.hpp"
#include "hsm/tpm2/boot_terms.hpp"
#include "hsm/tpm2/connection.hpp"
#include "hsm/tpm2/stored.hpp"
#include "hsm/tpm2/templates.hpp"
#include "support/faulty_tcti.hpp"
#include "support/p256.hpp"
#include "support/recording_proxy.hpp"
#include "support/release_policy.hpp"
#include "support/swtpm.hpp"
#include "support/tpm_handles.hpp"

namespace gims::hsm::tpm2 {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<Vault> vault_at(const test::Swtpm& tpm,
                                std::chrono::milliseconds time_limit = 30s) {
  return make_vault({.address = *parse_address(tpm.tcti()),
                     .time_limit = time_limit,
                     .release = test::release_policy(1)});
}

std::unique_ptr<Vault> vault_through(const std::string& path) {
  return make_vault({.address = {.swtpm = true, .path = path}, .release = test::release_policy(1)});
}

SecretBytes hardware_secret() { return *SecretBytes::copy_of(Bytes(key_size, 0x5a)); }

SecretBytes random_key() { return *SecretBytes::random(key_size); }

TEST(Tpm2Vault, OpensWhatItSealedAndSignsWithItsKey) {
  const test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const SecretBytes root = random_key();
  const auto sealed = vault->provision(root, hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;

  const auto opened = vault->open(sealed->blob);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(equal_in_constant_time(opened->root_key.bytes(), root.bytes()));
  EXPECT_EQ(opened->ca_public, sealed->ca_public);

  Digest digest;
  digest.fill(7);
  const auto signature = vault->sign(sealed->blob, KeyUse::issuing_ca, digest);
  ASSERT_TRUE(signature) << signature.error().text;
  EXPECT_TRUE(test::p256_verifies(sealed->ca_public, digest, *signature));
}

TEST(Tpm2Vault, OpensAfterAPowerCycle) {
  test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const SecretBytes root = random_key();
  const auto sealed = vault->provision(root, hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  tpm.stop();
  const auto away = vault->open(sealed->blob);
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, away_code);
  tpm.start();
  const auto opened = vault->open(sealed->blob);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(equal_in_constant_time(opened->root_key.bytes(), root.bytes()));
}

TEST(Tpm2Vault, AnotherTpmIsToldByItsStorageKey) {
  const test::Swtpm tpm;
  const test::Swtpm other;
  const auto sealed = vault_at(tpm)->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  const auto opened = vault_at(other)->open(sealed->blob);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, "GIMS_KEYD_CUSTODY");
  EXPECT_NE(opened.error().text.find("another TPM"), std::string::npos) << opened.error().text;
}

TEST(Tpm2Vault, ManyUsesLeaveNothingInTheTpm) {
  // Three transient objects and three sessions fit into a TPM without a resource manager.
  const test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const auto sealed = vault->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(vault->open(sealed->blob));
    ASSERT_TRUE(vault->sign(sealed->blob, KeyUse::issuing_ca, Digest{}));
    ASSERT_FALSE(vault->open(Bytes(sealed->blob.size(), 1)));
    EXPECT_EQ(test::left_in(tpm), 0U);
  }
}

TEST(Tpm2Vault, NothingSecretIsOnTheWayToTheTpm) {
  const test::Swtpm tpm;
  const test::TempFolder folder;
  const std::string path = (folder / "tpm").string();
  test::RecordingProxy proxy(path, tpm.socket());
  const auto vault = vault_through(path);
  const SecretBytes root = random_key();
  const auto sealed = vault->provision(root, hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  const auto opened = vault->open(sealed->blob);
  ASSERT_TRUE(opened) << opened.error().text;
  const Bytes& heard = proxy.finish();
  EXPECT_TRUE(std::ranges::search(heard, root.bytes()).empty()) << "the root key was heard";
  // It did hear what is not secret: the CA's public key.
  EXPECT_FALSE(std::ranges::search(heard, BytesView(sealed->ca_public).subspan(1, 32)).empty());
}

TEST(Tpm2Vault, AnotherKeyThanThePinnedOneIsSentNothing) {
  // The pin is compared before a session is salted: TPM2_StartAuthSession, TPM2_Load and
  // TPM2_Unseal are not even tried.
  const test::Swtpm tpm;
  const test::Swtpm other;
  const auto sealed = vault_at(tpm)->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  const test::TempFolder folder;
  const std::string path = (folder / "tpm").string();
  test::RecordingProxy proxy(path, other.socket());
  EXPECT_FALSE(vault_through(path)->open(sealed->blob));
  const Bytes& heard = proxy.finish();
  for (const std::uint8_t code : Bytes{0x76, 0x57, 0x5e}) {
    const Bytes command{0, 0, 0x01, code};
    EXPECT_TRUE(std::ranges::search(heard, command).empty()) << int{code};
  }
}

TEST(Tpm2Vault, AnEarlierSiteIsReplacedOnlyWhenThatIsSaid) {
  const test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const auto first = vault->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(first) << first.error().text;
  const auto refused = vault->provision(random_key(), hardware_secret(), false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("earlier site"), std::string::npos);
  ASSERT_TRUE(vault->open(first->blob));

  const auto second = vault->provision(random_key(), hardware_secret(), true);
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_TRUE(vault->open(second->blob));
  EXPECT_FALSE(vault->open(first->blob));
}

TEST(Tpm2Vault, DestroyingMakesTheBlobUnreadable) {
  const test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const auto sealed = vault->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  EXPECT_TRUE(vault->holds(sealed->blob).value());
  EXPECT_EQ(vault->destroy(sealed->blob, nullptr).value(), Vault::Destruction::done);
  EXPECT_FALSE(vault->holds(sealed->blob).value());
  const auto opened = vault->open(sealed->blob);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text.find("authorisation value"), std::string::npos);
  EXPECT_EQ(vault->destroy(sealed->blob, nullptr).value(), Vault::Destruction::nothing_there);
  // A new index of the same shape is not the old one.
  const auto second = vault->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_FALSE(vault->open(sealed->blob));
  EXPECT_TRUE(vault->open(second->blob));
}

TEST(Tpm2Vault, AnotherTpmDestroysNothing) {
  const test::Swtpm tpm;
  const test::Swtpm other;
  const auto sealed = vault_at(tpm)->provision(random_key(), hardware_secret(), false);
  const auto others = vault_at(other)->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(sealed && others);
  const auto refused = vault_at(other)->destroy(sealed->blob, nullptr);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("another TPM"), std::string::npos) << refused.error().text;
  EXPECT_FALSE(vault_at(other)->holds(sealed->blob)) << "nor can it say that there is nothing";
  EXPECT_TRUE(vault_at(other)->open(others->blob)) << "the other site's keys";
  EXPECT_TRUE(vault_at(tpm)->open(sealed->blob));
}

std::uint32_t code_of(BytesView message) {
  std::uint32_t code = 0;
  for (std::size_t i = 6; i < 10 && i < message.size(); ++i) code = (code << 8U) | message[i];
  return code;
}

TEST(Tpm2Vault, ThatThereIsNothingToDestroyIsBelievedOfTheTpmAlone) {
  // Whoever sits between answers TPM2_GetCapability of handles with none.
  const test::Swtpm tpm;
  const auto sealed = vault_at(tpm)->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  const test::TempFolder folder;
  const std::string path = (folder / "tpm").string();
  bool asked = false;
  int changed = 0;
  test::RecordingProxy proxy(
      path, tpm.socket(),
      {.command =
           [&](Bytes& command) {
             asked = code_of(command) == TPM2_CC_GetCapability &&
                     !std::ranges::search(command, Bytes{0x01, 0x81, 0x4D, 0x00}).empty();
             return true;
           },
       .answer =
           [&](Bytes& answer) {
             if (!std::exchange(asked, false)) return true;
             // The index becomes one that is not looked for, so that lengths stay.
             const auto found = std::ranges::search(answer, Bytes{0x01, 0x81, 0x4D, 0x00});
             if (!found.empty()) {
               found.back() = 0x7f;
               ++changed;
             }
             return true;
           }});
  const auto destroyed = vault_through(path)->destroy(sealed->blob, nullptr);
  proxy.finish();
  EXPECT_EQ(changed, 1);
  EXPECT_FALSE(destroyed);
  EXPECT_TRUE(vault_at(tpm)->open(sealed->blob));
}

TEST(Tpm2Vault, ThatAnIndexIsEmptyIsBelievedOfTheTpmAlone) {
  // Whoever sits between answers TPM2_NV_ReadPublic as of an index that nothing was written to,
  // with the name that such an index has.
  const test::Swtpm tpm;
  const auto sealed = vault_at(tpm)->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  const test::TempFolder folder;
  const std::string path = (folder / "tpm").string();
  int changed = 0;
  test::RecordingProxy proxy(
      path, tpm.socket(), {.answer = [&](Bytes& answer) {
        // TPMS_NV_PUBLIC: the index, SHA-256, attributes, an empty policy, the size; then its name.
        constexpr std::size_t area_size = 14;
        const auto found = std::ranges::search(answer, Bytes{0x01, 0x81, 0x4D, 0x00, 0x00, 0x0b});
        const auto at = static_cast<std::size_t>(found.begin() - answer.begin());
        if (found.empty() || answer.size() < at + area_size + 4 + 32) return true;
        answer[at + 6] = static_cast<std::uint8_t>(answer[at + 6] & 0xdfU);  // TPMA_NV_WRITTEN
        const Digest name = sha256({BytesView(answer).subspan(at, area_size)});
        std::ranges::copy(name, answer.begin() + static_cast<std::ptrdiff_t>(at + area_size + 4));
        ++changed;
        return true;
      }});
  const auto destroyed = vault_through(path)->destroy(sealed->blob, nullptr);
  proxy.finish();
  EXPECT_GE(changed, 1);
  EXPECT_FALSE(destroyed);
  EXPECT_TRUE(vault_at(tpm)->open(sealed->blob));
}

TEST(Tpm2Vault, AProvisioningThatFailsHalfwayLeavesNothing) {
  // The connection breaks at the first TPM2_NV_Write, TPM2_Create of the sealed key, of the CA's.
  struct Case {
    std::uint32_t command;
    int time;
  };
  for (const Case& fault :
       {Case{TPM2_CC_NV_Write, 1}, Case{TPM2_CC_Create, 1}, Case{TPM2_CC_Create, 2}}) {
    const test::Swtpm tpm;
    const test::TempFolder folder;
    const std::string path = (folder / "tpm").string();
    int times = 0;
    test::RecordingProxy proxy(path, tpm.socket(), {.command = [&](Bytes& command) {
                                 return code_of(command) != fault.command || ++times != fault.time;
                               }});
    const auto vault = vault_through(path);
    const auto failed = vault->provision(random_key(), hardware_secret(), false);
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().text.find("may be in the TPM"), std::string::npos)
        << failed.error().text;
    const auto again = vault->provision(random_key(), hardware_secret(), false);
    EXPECT_TRUE(again) << again.error().text;
    proxy.finish();
  }
}

TEST(Tpm2Vault, AProvisioningThatCannotBeUndoneSaysSo) {
  const test::Swtpm tpm;
  const test::TempFolder folder;
  const std::string path = (folder / "tpm").string();
  bool broken = false;
  test::RecordingProxy proxy(path, tpm.socket(), {.command = [&](Bytes& command) {
                               broken = broken || code_of(command) == TPM2_CC_Create;
                               return !broken;
                             }});
  const auto failed = vault_through(path)->provision(random_key(), hardware_secret(), false);
  proxy.finish();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().text.find("may be in the TPM still"), std::string::npos)
      << failed.error().text;
}

TEST(Tpm2Vault, TheTermsOfUseAreNotAskedOfTheTpm) {
  const test::Swtpm tpm;
  const test::TempFolder folder;
  const std::string path = (folder / "tpm").string();
  bool asked = false;
  test::RecordingProxy proxy(path, tpm.socket(), {.command = [&](Bytes& command) {
                               asked = asked || code_of(command) == TPM2_CC_PolicyGetDigest;
                               return true;
                             }});
  const auto sealed = vault_through(path)->provision(random_key(), hardware_secret(), false);
  proxy.finish();
  ASSERT_TRUE(sealed) << sealed.error().text;
  EXPECT_FALSE(asked);
  const auto blob = decode_blob(sealed->blob);
  ASSERT_TRUE(blob);
  const TPM2B_DIGEST expected = to_tpm(object_policy(test::release_key().public_key, OwnPcrs{}));
  for (const StoredObject* object : {&blob->sealed, &blob->ca_key}) {
    const TPM2B_DIGEST& held = object->public_area.publicArea.authPolicy;
    EXPECT_TRUE(std::ranges::equal(std::span(held.buffer, held.size),
                                   std::span(expected.buffer, expected.size)));
  }
}

TEST(ResponseCode, OnlyWhatMayPassIsTriedAgain) {
  for (const TSS2_RC rc :
       {TSS2_TCTI_RC_IO_ERROR, TPM2_RC_RETRY, TPM2_RC_OBJECT_MEMORY, TPM2_RC_NV_RATE,
        TSS2_ESYS_RC_BAD_SEQUENCE, TSS2_RESMGR_TPM_RC_LAYER | TPM2_RC_SESSION_MEMORY}) {
    EXPECT_TRUE(may_pass(rc)) << rc;
  }
  for (const TSS2_RC rc : {TPM2_RC_INTEGRITY, TPM2_RC_AUTH_FAIL | TPM2_RC_S | TPM2_RC_1,
                           TPM2_RC_VALUE | TPM2_RC_P, TPM2_RC_FAILURE, TPM2_RC_NV_DEFINED,
                           TSS2_ESYS_RC_RSP_AUTH_FAILED, TSS2_ESYS_RC_MALFORMED_RESPONSE}) {
    EXPECT_FALSE(may_pass(rc)) << rc;
  }
}

TEST(Tpm2Vault, APropertyOtherThanTheOneThatWasAskedForIsNone) {
  const test::Swtpm tpm;
  bool told = false;
  // One of the first commands of a connection asks who made the TPM.
  for (int at = 1; at <= 10 && !told; ++at) {
    constexpr std::size_t property = 19;  // behind header, flag, kind and count
    test::FaultPlan plan{.fault = {.name = "property",
                                   .kind = test::TpmFault::Kind::flipped_bit,
                                   .at = 8 * property + 31},
                         .at = at};
    const auto vault = make_vault({.address = *parse_address(tpm.tcti()),
                                   .release = test::release_policy(1),
                                   .detour = test::FaultyTcti::by(plan)});
    const auto looked = vault->probe();
    if (looked || !looked.error().text.contains("does not tell one of its properties")) continue;
    told = true;
    EXPECT_EQ(looked.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(looked.error().code, "GIMS_KEYD_CUSTODY");
    EXPECT_EQ(plan.command, TPM2_CC_GetCapability);
  }
  EXPECT_TRUE(told);
  EXPECT_TRUE(vault_at(tpm)->probe());
}

TEST(Tpm2Blob, HoldsNoObjectThatIsTooLong) {
  Blob blob;
  for (StoredObject* object : {&blob.sealed, &blob.ca_key, &blob.attestation_key}) {
    object->public_area = signing_template({});
  }
  ASSERT_TRUE(encode_blob(blob));
  blob.ca_key.private_area.size = 1024;  // and two bytes that say so
  const auto refused = encode_blob(blob);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::internal);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_INTERNAL");
  EXPECT_EQ(refused.error().text, "An object of the TPM is too long.");
}

TEST(Tpm2Templates, OnlyWhatIsOfP256IsTaken) {
  TPM2B_PUBLIC key = signing_template({});
  key.publicArea.parameters.eccDetail.curveID = TPM2_ECC_NIST_P384;
  const auto point = point_of(key);
  TPMT_SIGNATURE made{};
  made.sigAlg = TPM2_ALG_RSASSA;
  const auto signature = signature_of(made);
  ASSERT_FALSE(point);
  ASSERT_FALSE(signature);
  for (const Error& error : {point.error(), signature.error()}) {
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_EQ(error.code, "GIMS_KEYD_CUSTODY");
  }
}

TEST(Tpm2Vault, ABlobWithOneBitChangedIsRefused) {
  const test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const auto sealed = vault->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  // Every byte would take the TPM ten seconds; every third meets each field. All of them are
  // changed in tests/unit/hsm/core, with a vault in memory.
  for (std::size_t at = 0; at < sealed->blob.size(); at += 3) {
    Bytes changed = sealed->blob;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << (at % 8)));
    const auto opened = vault->open(changed);
    ASSERT_FALSE(opened) << "byte " << at << " of " << sealed->blob.size();
    // It may say that the release key or the unit's PCRs are others.
    EXPECT_TRUE(opened.error().code == "GIMS_KEYD_CUSTODY" || opened.error().code == boot_code)
        << "byte " << at;
  }
  for (std::size_t size = 0; size < sealed->blob.size(); size += 7) {
    EXPECT_FALSE(vault->open(BytesView(sealed->blob).first(size)));
  }
  Bytes longer = sealed->blob;
  longer.push_back(0);
  EXPECT_FALSE(vault->open(longer));
}

TEST(Tpm2Vault, ATpmThatHangsIsGivenUpInTime) {
  const test::Swtpm tpm;
  const auto sealed = vault_at(tpm)->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  tpm.freeze();
  const auto opened = vault_at(tpm, 200ms)->open(sealed->blob);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, away_code);
  EXPECT_NE(opened.error().text.find("time limit"), std::string::npos) << opened.error().text;
  tpm.thaw();
  const auto again = vault_at(tpm)->open(sealed->blob);
  EXPECT_TRUE(again) << again.error().text;
}

TEST(Tpm2Vault, ItsAttestationKeySignsNothingThatIsHandedToIt) {
  const test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const auto sealed = vault->provision(random_key(), hardware_secret(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  const auto refused = vault->sign(sealed->blob, KeyUse::attestation, Digest{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_CUSTODY");
}

TEST(Tpm2Vault, ALookSaysWhetherItIsThere) {
  test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  EXPECT_FALSE(vault->removable());
  EXPECT_TRUE(vault->probe());
  tpm.stop();
  const auto away = vault->probe();
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, away_code);
}

TEST(Tpm2Vault, SaysThatASwtpmIsSoftware) {
  const test::Swtpm tpm;
  const auto info = vault_at(tpm)->info();
  ASSERT_TRUE(info) << info.error().text;
  EXPECT_TRUE(info->software);
  EXPECT_EQ(info->description, "TPM 2.0 (IBM, software)");
}

TEST(Tpm2Address, OnlyTheResourceManagerAndASwtpmAreTaken) {
  const auto device = parse_address("device:/dev/tpmrm0");
  ASSERT_TRUE(device);
  EXPECT_FALSE(device->swtpm);
  EXPECT_EQ(device->path, "/dev/tpmrm0");
  const auto swtpm = parse_address("swtpm:path=/run/tpm");
  ASSERT_TRUE(swtpm);
  EXPECT_TRUE(swtpm->swtpm);
  EXPECT_EQ(swtpm->path, "/run/tpm");
  for (const char* wrong : {"", "device:/dev/tpm0", "device:", "/dev/tpmrm0", "swtpm:path=tpm",
                            "swtpm:host=127.0.0.1,port=2321", "mssim:", "libtpms:"}) {
    EXPECT_FALSE(parse_address(wrong)) << wrong;
  }
}

TEST(Tpm2Address, OnlyLibtpmsOverASwtpmSocketIsForDevelopment) {
  const Address swtpm{.swtpm = true, .path = "/run/tpm"};
  const Address device{.swtpm = false, .path = "/dev/tpmrm0"};
  constexpr std::uint32_t ibm = 0x49424D00;
  constexpr std::uint32_t sw = 0x53572020;
  constexpr std::uint32_t infineon = 0x49465800;
  EXPECT_TRUE(is_development_tpm(swtpm, ibm));
  EXPECT_TRUE(is_development_tpm(swtpm, sw));
  EXPECT_FALSE(is_development_tpm(swtpm, infineon));
  EXPECT_FALSE(is_development_tpm(device, ibm));
  EXPECT_FALSE(is_development_tpm(device, infineon));
}

}  // namespace
}  // namespace gims::hsm::tpm2
