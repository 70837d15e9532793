// What the vault makes of the TPM itself: its passwords, its counter, and the two places for what
// opens a blob.
#include <gtest/gtest.h>

#include "hsm/proto/messages.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"
#include "support/process.hpp"
#include "support/release_policy.hpp"
#include "support/swtpm.hpp"

namespace gims::hsm::tpm2 {
namespace {

SecretBytes root_key(std::uint8_t byte = 0x42) {
  return *SecretBytes::copy_of(Bytes(key_size, byte));
}

class Ownership : public ::testing::Test {
 protected:
  void SetUp() override {
    auto sealed = vault_->provision(root_key(), secret_, false);
    ASSERT_TRUE(sealed) << sealed.error().text;
    blob_ = sealed->blob;
  }
  [[nodiscard]] test::CommandResult tools(const std::string& script) const {
    return test::run_command(
        {"sh", "-euc", "export TPM2TOOLS_TCTI=" + tpm_.tcti() + "; " + script});
  }
  [[nodiscard]] std::string property(const std::string& name) const {
    return tools("tpm2_getcap properties-variable | grep -w " + name).output;
  }

  test::Swtpm tpm_;
  const SecretBytes secret_ = *SecretBytes::copy_of(Bytes(key_size, 0x5a));
  const std::unique_ptr<Vault> vault_ =
      make_vault({.address = *parse_address(tpm_.tcti()), .release = test::release_policy(1)});
  Bytes blob_;
};

TEST_F(Ownership, NobodyElseOwnsTheTpmAfterSettling) {
  ASSERT_EQ(tools("tpm2_nvdefine -Q 0x1500020 -C o -s 8; tpm2_nvundefine -Q 0x1500020 -C o").status,
            0);
  ASSERT_TRUE(vault_->settle(blob_, secret_));
  for (const char* name : {"ownerAuthSet", "endorsementAuthSet", "lockoutAuthSet"}) {
    EXPECT_NE(property(name).find('1'), std::string::npos) << name;
  }
  EXPECT_NE(tools("tpm2_nvdefine -Q 0x1500020 -C o -s 8").status, 0);
  EXPECT_NE(tools("tpm2_clear -Q").status, 0);
  // Which is no less for the vault itself, and a repetition changes nothing.
  EXPECT_TRUE(vault_->settle(blob_, secret_));
  EXPECT_TRUE(vault_->open(blob_));
  EXPECT_TRUE(vault_->sign(blob_, KeyUse::issuing_ca, Digest{}));
}

TEST_F(Ownership, GuessingIsCountedAndForgotten) {
  ASSERT_TRUE(vault_->settle(blob_, secret_));
  EXPECT_NE(property("TPM2_PT_MAX_AUTH_FAIL").find("0x20"), std::string::npos);
  EXPECT_NE(property("TPM2_PT_LOCKOUT_INTERVAL").find("0x1C20"), std::string::npos);
  EXPECT_NE(property("TPM2_PT_LOCKOUT_RECOVERY").find("0x15180"), std::string::npos);
}

TEST_F(Ownership, DestroyingGivesTheTpmFree) {
  ASSERT_TRUE(vault_->settle(blob_, secret_));
  EXPECT_FALSE(vault_->provision(root_key(), secret_, true)) << "while it belongs to a site";
  const auto destroyed = vault_->destroy(blob_, &secret_);
  ASSERT_TRUE(destroyed) << destroyed.error().text;
  EXPECT_EQ(*destroyed, Vault::Destruction::done);
  EXPECT_FALSE(vault_->open(blob_));
  const auto again = vault_->provision(root_key(), secret_, false);
  EXPECT_TRUE(again) << again.error().text;
}

TEST_F(Ownership, DestroyingNeedsNoPassword) {
  ASSERT_TRUE(vault_->settle(blob_, secret_));
  const auto destroyed = vault_->destroy(blob_, nullptr);
  ASSERT_TRUE(destroyed) << destroyed.error().text;
  EXPECT_FALSE(vault_->open(blob_));
  EXPECT_EQ(*vault_->destroy(blob_, nullptr), Vault::Destruction::nothing_there);
  const auto again = vault_->provision(root_key(), secret_, true);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().text.find("Clear the TPM"), std::string::npos) << again.error().text;
}

TEST_F(Ownership, TheCounterOnlyGoesUp) {
  ASSERT_TRUE(vault_->settle(blob_, secret_));
  const auto first = vault_->counter(blob_, secret_);
  ASSERT_TRUE(first) << first.error().text;
  EXPECT_EQ(*vault_->advance(blob_, secret_), *first + 1);
  EXPECT_EQ(*vault_->counter(blob_, secret_), *first + 1);
  const SecretBytes wrong = *SecretBytes::copy_of(Bytes(key_size, 0x5b));
  EXPECT_FALSE(vault_->advance(blob_, wrong));
  EXPECT_EQ(*vault_->counter(blob_, secret_), *first + 1);
  // Not even by a site that comes after this one.
  ASSERT_TRUE(vault_->destroy(blob_, &secret_));
  const auto next = vault_->provision(root_key(), secret_, false);
  ASSERT_TRUE(next) << next.error().text;
  EXPECT_GT(*vault_->counter(next->blob, secret_), *first + 1);
}

TEST_F(Ownership, ASealMadeAnewEndsTheEarlierOneWhenItIsSettled) {
  ASSERT_TRUE(vault_->settle(blob_, secret_));
  const auto anew = vault_->reseal(blob_, root_key(0x43));
  ASSERT_TRUE(anew) << anew.error().text;
  // Both, until the files are on the disk.
  ASSERT_TRUE(vault_->open(blob_));
  const auto opened = vault_->open(anew->blob);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(equal_in_constant_time(opened->root_key.bytes(), root_key(0x43).bytes()));
  EXPECT_EQ(opened->ca_public, anew->ca_public);

  ASSERT_TRUE(vault_->settle(anew->blob, secret_));
  EXPECT_FALSE(vault_->open(blob_));
  EXPECT_TRUE(vault_->open(anew->blob));
}

TEST_F(Ownership, ASealMadeAnewAndNotUsedIsGoneWhenTheEarlierIsSettled) {
  const auto anew = vault_->reseal(blob_, root_key(0x43));
  ASSERT_TRUE(anew) << anew.error().text;
  ASSERT_TRUE(vault_->settle(blob_, secret_));
  EXPECT_TRUE(vault_->open(blob_));
  EXPECT_FALSE(vault_->open(anew->blob));
}

TEST_F(Ownership, ANewCaKeyLeavesTheEarlierOneGood) {
  const auto renewed = vault_->renew_ca(blob_);
  ASSERT_TRUE(renewed) << renewed.error().text;
  EXPECT_NE(renewed->ca_public, vault_->open(blob_)->ca_public);
  const Digest digest{1, 2, 3};
  EXPECT_TRUE(p256_verify(renewed->ca_public, digest,
                          *vault_->sign(renewed->blob, KeyUse::issuing_ca, digest)));
  EXPECT_TRUE(p256_verify(vault_->open(blob_)->ca_public, digest,
                          *vault_->sign(blob_, KeyUse::issuing_ca, digest)));
}

}  // namespace
}  // namespace gims::hsm::tpm2
