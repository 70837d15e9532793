#include "hsm/tpm2/tpm2_vault.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>

#include "hsm/proto/messages.hpp"
#include "support/p256.hpp"
#include "support/swtpm.hpp"

namespace gims::hsm::tpm2 {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<Vault> vault_at(const test::Swtpm& tpm,
                                std::chrono::milliseconds time_limit = 30s) {
  return make_vault({.address = *parse_address(tpm.tcti()), .time_limit = time_limit});
}

SecretBytes random_key() { return *SecretBytes::random(key_size); }

TEST(Tpm2Vault, OpensWhatItSealedAndSignsWithItsKey) {
  const test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const SecretBytes root = random_key();
  const auto sealed = vault->provision(root, false);
  ASSERT_TRUE(sealed) << sealed.error().text;

  const auto opened = vault->open(sealed->blob);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(equal_in_constant_time(opened->root_key.bytes(), root.bytes()));
  EXPECT_EQ(opened->ca_public, sealed->ca_public);

  Digest digest;
  digest.fill(7);
  const auto signature = vault->sign(sealed->blob, digest);
  ASSERT_TRUE(signature) << signature.error().text;
  EXPECT_TRUE(test::p256_verifies(sealed->ca_public, digest, *signature));
}

TEST(Tpm2Vault, OpensAfterAPowerCycle) {
  test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const SecretBytes root = random_key();
  const auto sealed = vault->provision(root, false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  tpm.stop();
  EXPECT_FALSE(vault->open(sealed->blob));
  tpm.start();
  const auto opened = vault->open(sealed->blob);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(equal_in_constant_time(opened->root_key.bytes(), root.bytes()));
}

TEST(Tpm2Vault, AnotherTpmIsToldByItsStorageKey) {
  const test::Swtpm tpm;
  const test::Swtpm other;
  const auto sealed = vault_at(tpm)->provision(random_key(), false);
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
  const auto sealed = vault->provision(random_key(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  for (int i = 0; i < 8; ++i) {
    ASSERT_TRUE(vault->open(sealed->blob));
    ASSERT_TRUE(vault->sign(sealed->blob, Digest{}));
  }
}

TEST(Tpm2Vault, AnEarlierSiteIsReplacedOnlyWhenThatIsSaid) {
  const test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const auto first = vault->provision(random_key(), false);
  ASSERT_TRUE(first) << first.error().text;
  const auto refused = vault->provision(random_key(), false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("earlier site"), std::string::npos);
  ASSERT_TRUE(vault->open(first->blob));

  const auto second = vault->provision(random_key(), true);
  ASSERT_TRUE(second) << second.error().text;
  EXPECT_TRUE(vault->open(second->blob));
  EXPECT_FALSE(vault->open(first->blob));
}

TEST(Tpm2Vault, DestroyingMakesTheBlobUnreadable) {
  const test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const auto sealed = vault->provision(random_key(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  ASSERT_TRUE(vault->destroy());
  const auto opened = vault->open(sealed->blob);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text.find("authorisation value"), std::string::npos);
  // A new index of the same shape is not the old one.
  ASSERT_TRUE(vault->provision(random_key(), false));
  EXPECT_FALSE(vault->open(sealed->blob));
  EXPECT_TRUE(vault->destroy());
  EXPECT_TRUE(vault->destroy());
}

TEST(Tpm2Vault, ABlobWithOneBitChangedIsRefused) {
  const test::Swtpm tpm;
  const auto vault = vault_at(tpm);
  const auto sealed = vault->provision(random_key(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  // Every byte once would take the TPM a minute; a step that shares no factor with the length of
  // any field meets all of them.
  for (std::size_t at = 0; at < sealed->blob.size(); at += 13) {
    Bytes changed = sealed->blob;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << (at % 8)));
    const auto opened = vault->open(changed);
    ASSERT_FALSE(opened) << "byte " << at;
    EXPECT_EQ(opened.error().code, "GIMS_KEYD_CUSTODY") << "byte " << at;
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
  const auto sealed = vault_at(tpm)->provision(random_key(), false);
  ASSERT_TRUE(sealed) << sealed.error().text;
  tpm.freeze();
  const auto opened = vault_at(tpm, 200ms)->open(sealed->blob);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().text.find("time limit"), std::string::npos) << opened.error().text;
  tpm.thaw();
  const auto again = vault_at(tpm)->open(sealed->blob);
  EXPECT_TRUE(again) << again.error().text;
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
