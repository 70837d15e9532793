// What the root key is sealed to: the release that was started, no older one than the unit has run,
// and the unit's own PCRs. Against a software TPM whose PCRs the tests extend as a start would.
#include <gtest/gtest.h>

#include "hsm/ca/sha256.hpp"
#include "hsm/proto/messages.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"
#include "support/process.hpp"
#include "support/release_policy.hpp"
#include "support/swtpm.hpp"

namespace gims::hsm::tpm2 {
namespace {

using release::ReleasePolicy;

std::unique_ptr<Vault> vault_at(const test::Swtpm& tpm, Result<ReleasePolicy> policy) {
  return make_vault({.address = *parse_address(tpm.tcti()), .release = std::move(policy)});
}

SecretBytes root_key() { return *SecretBytes::copy_of(Bytes(key_size, 0x42)); }
SecretBytes hardware_secret() { return *SecretBytes::copy_of(Bytes(key_size, 0x5a)); }

constexpr std::string_view measured = "a image of the release";

// What a PCR that held zeros holds after `text` was measured into it.
Digest after(std::string_view text) {
  Bytes both(32, 0);
  const Digest event =
      sha256({BytesView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size())});
  both.insert(both.end(), event.begin(), event.end());
  return sha256({both});
}

class MeasuredBoot : public ::testing::Test {
 protected:
  void measure(int pcr, std::string_view text) const {
    const auto extended = test::run_command(
        {"sh", "-euc",
         "TPM2TOOLS_TCTI=" + tpm_.tcti() + " tpm2_pcrextend " + std::to_string(pcr) +
             ":sha256=$(printf %s '" + std::string(text) + "' | sha256sum | cut -c 1-64)"});
    ASSERT_EQ(extended.status, 0) << extended.output;
  }
  // As after a power cycle: the PCRs are zeros again.
  void restart() {
    tpm_.stop();
    tpm_.start();
  }
  void provision(std::uint64_t release) {
    measure(11, measured);
    auto sealed = vault_at(tpm_, test::release_policy(release, after(measured)))
                      ->provision(root_key(), hardware_secret(), false);
    ASSERT_TRUE(sealed) << sealed.error().text;
    blob_ = sealed->blob;
  }
  [[nodiscard]] Result<Vault::Opened> open(Result<ReleasePolicy> policy) const {
    return vault_at(tpm_, std::move(policy))->open(blob_);
  }

  test::Swtpm tpm_;
  Bytes blob_;
};

TEST_F(MeasuredBoot, TheSameReleaseOpensAfterEachStart) {
  provision(3);
  ASSERT_TRUE(open(test::release_policy(3, after(measured))));
  restart();
  measure(11, measured);
  const auto opened = open(test::release_policy(3, after(measured)));
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(equal_in_constant_time(opened->root_key.bytes(), root_key().bytes()));
}

TEST_F(MeasuredBoot, ALaterReleaseOpensWithoutANewSeal) {
  provision(3);
  restart();
  measure(11, "another image, of release 4");
  const auto opened = open(test::release_policy(4, after("another image, of release 4")));
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(equal_in_constant_time(opened->root_key.bytes(), root_key().bytes()));
}

TEST_F(MeasuredBoot, AnOlderReleaseOpensUntilTheNewerWasTold) {
  provision(3);
  const auto newer = vault_at(tpm_, test::release_policy(4, after(measured)));
  ASSERT_TRUE(newer->open(blob_));
  ASSERT_TRUE(open(test::release_policy(3, after(measured))));

  ASSERT_TRUE(newer->release_gate()->raise());
  EXPECT_EQ(newer->release_gate()->releases()->told, 4U);
  ASSERT_TRUE(newer->open(blob_));
  const auto older = open(test::release_policy(3, after(measured)));
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, older_code);
  EXPECT_NE(older.error().text.find("release 4"), std::string::npos) << older.error().text;
}

TEST_F(MeasuredBoot, TheTpmItselfRefusesAnOlderRelease) {
  // Without our own words before it: the policy session does not come to the object's digest.
  provision(3);
  ASSERT_TRUE(vault_at(tpm_, test::release_policy(9, after(measured)))->release_gate()->raise());
  const auto vault = vault_at(tpm_, test::release_policy(9, after(measured)));
  ASSERT_TRUE(vault->open(blob_));
  auto lied = test::release_policy(3, after(measured));
  lied.number = 9;  // the signatures are of 3
  const auto refused = open(std::move(lied));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("TPM2_VerifySignature"), std::string::npos)
      << refused.error().text;
}

TEST_F(MeasuredBoot, TheIndexOnlyGoesUp) {
  provision(5);
  ASSERT_TRUE(vault_at(tpm_, test::release_policy(7, after(measured)))->release_gate()->raise());
  for (const std::uint64_t older : {5U, 6U}) {
    const auto vault = vault_at(tpm_, test::release_policy(older, after(measured)));
    EXPECT_FALSE(vault->release_gate()->raise()) << older;
    EXPECT_EQ(vault->release_gate()->releases()->told, 7U);
  }
  // Told again: nothing changes.
  EXPECT_TRUE(vault_at(tpm_, test::release_policy(7, after(measured)))->release_gate()->raise());
}

TEST_F(MeasuredBoot, AnotherKeyCannotTellOfARelease) {
  provision(5);
  const P256Key stranger = *generate_p256();
  const auto vault = vault_at(tpm_, test::release_policy(8, after(measured), stranger));
  EXPECT_FALSE(vault->release_gate()->raise());
  EXPECT_EQ(vault->release_gate()->releases()->told, 5U);
  const auto opened = vault->open(blob_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, boot_code);
  EXPECT_NE(opened.error().text.find("another release key"), std::string::npos);
}

TEST_F(MeasuredBoot, WhatWasNotReleasedDoesNotOpen) {
  provision(3);
  restart();
  measure(11, "an image with one bit changed");
  const auto opened = open(test::release_policy(3, after(measured)));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, boot_code);
  EXPECT_NE(opened.error().text.find("PCR 11"), std::string::npos) << opened.error().text;
}

TEST_F(MeasuredBoot, AnotherMomentOfTheStartDoesNotOpen) {
  provision(3);
  measure(11, "the next phase");
  EXPECT_FALSE(open(test::release_policy(3, after(measured))));
}

TEST_F(MeasuredBoot, TheUnitsOwnPcrsAreLiteral) {
  for (const int pcr : {7, 15}) {
    test::Swtpm another;
    provision(3);
    measure(pcr, "keys of someone else");
    const auto opened = open(test::release_policy(3, after(measured)));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, boot_code);
    EXPECT_NE(opened.error().text.find("PCR " + std::to_string(pcr)), std::string::npos)
        << opened.error().text;
    restart();
    measure(11, measured);
    ASSERT_TRUE(open(test::release_policy(3, after(measured))));
    // For the next turn: given free, as zeroizing does.
    const auto vault = vault_at(tpm_, test::release_policy(3, after(measured)));
    ASSERT_TRUE(vault->destroy(blob_, nullptr));
    restart();
  }
}

TEST_F(MeasuredBoot, OtherPcrsMayChange) {
  provision(3);
  for (const int pcr : {0, 4, 12, 14}) measure(pcr, "a firmware update");
  EXPECT_TRUE(open(test::release_policy(3, after(measured))));
}

TEST_F(MeasuredBoot, WithoutThePolicyNothingOpens) {
  provision(3);
  const auto opened = open(fail(ErrorKind::bad_input, "GIMS_RELEASE_POLICY", "It is damaged."));
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().text, "It is damaged.");
}

TEST_F(MeasuredBoot, TheCaSignsUnderTheSameTerms) {
  provision(3);
  ASSERT_TRUE(vault_at(tpm_, test::release_policy(3, after(measured)))->sign(blob_, Digest{}));
  measure(7, "keys of someone else");
  const auto refused =
      vault_at(tpm_, test::release_policy(3, after(measured)))->sign(blob_, Digest{});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, boot_code);
}

}  // namespace
}  // namespace gims::hsm::tpm2
