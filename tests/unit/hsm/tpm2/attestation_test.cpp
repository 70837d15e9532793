// What the TPM states is judged here by tpm2-tools, which share no code with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "hsm/ca/sha256.hpp"
#include "hsm/proto/messages.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"
#include "support/credential.hpp"
#include "support/process.hpp"
#include "support/release_policy.hpp"
#include "support/swtpm.hpp"
#include "support/temp_folder.hpp"

namespace gims::hsm::tpm2 {
namespace {

class Attestation : public ::testing::Test {
 protected:
  void SetUp() override {
    auto sealed = vault_->provision(*SecretBytes::random(key_size), secret_, false);
    ASSERT_TRUE(sealed) << sealed.error().text;
    blob_ = sealed->blob;
    ASSERT_TRUE(vault_->settle(blob_, secret_));
    auto identity = vault_->attestor()->identity(blob_, secret_);
    ASSERT_TRUE(identity) << identity.error().text;
    identity_ = *identity;
    write("ak.pub", test::tpm2b(identity_.attestation_key));
  }

  // TPMT_SIGNATURE of ECDSA with SHA-256.
  static Bytes signature(const P256Signature& signature) {
    Bytes out{0x00, 0x18, 0x00, 0x0b};
    for (const BytesView half : {BytesView(signature.r), BytesView(signature.s)}) {
      const Bytes part = test::tpm2b(half);
      out.insert(out.end(), part.begin(), part.end());
    }
    return out;
  }
  void write(const char* name, BytesView bytes) const {
    std::ofstream(folder_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  [[nodiscard]] test::CommandResult tools(const std::string& script) const {
    return test::run_command({"sh", "-euc",
                              "cd " + folder_.path().string() +
                                  "; export TPM2TOOLS_TCTI=" + tpm_.tcti() + "; " + script});
  }
  [[nodiscard]] test::CommandResult check(const Attestor::Statement& statement,
                                          const std::string& nonce) const {
    write("statement", statement.attest);
    write("signature", signature(statement.signature));
    return tools("tpm2_checkquote -u ak.pub -m statement -s signature -g sha256 -q " + nonce);
  }

  test::Swtpm tpm_;
  test::TempFolder folder_;
  const SecretBytes secret_ = *SecretBytes::copy_of(Bytes(key_size, 0x5a));
  const std::unique_ptr<Vault> vault_ =
      make_vault({.address = *parse_address(tpm_.tcti()), .release = test::release_policy(1)});
  Bytes blob_;
  Attestor::Identity identity_;
};

const std::string ones(64, '1');
constexpr Digest all_ones{0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                          0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                          0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11};

TEST_F(Attestation, AQuoteHoldsForItsNonceAlone) {
  const auto quote = vault_->attestor()->quote(blob_, all_ones);
  ASSERT_TRUE(quote) << quote.error().text;
  const auto good = check(quote->statement, ones);
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_NE(check(quote->statement, std::string(64, '2')).status, 0);
  Attestor::Statement changed = quote->statement;
  changed.attest.back() ^= 1U;
  EXPECT_NE(check(changed, ones).status, 0);
}

TEST_F(Attestation, AQuoteTellsWhatWasMeasured) {
  ASSERT_EQ(tools("tpm2_pcrextend 4:sha256=" + ones).status, 0);
  const auto quote = vault_->attestor()->quote(blob_, all_ones);
  ASSERT_TRUE(quote) << quote.error().text;
  ASSERT_EQ(quote->pcrs.size(), 16U);
  Bytes all;
  for (const Digest& pcr : quote->pcrs) all.insert(all.end(), pcr.begin(), pcr.end());
  // The digest over the values is the last field of what is signed.
  const Digest over = sha256({all});
  const BytesView end = BytesView(quote->statement.attest).last(over.size());
  EXPECT_TRUE(std::ranges::equal(over, end));
  Bytes event(32, 0);
  event.insert(event.end(), all_ones.begin(), all_ones.end());
  EXPECT_EQ(quote->pcrs[4], sha256({event}));
  EXPECT_EQ(quote->pcrs[5], Digest{});
}

TEST_F(Attestation, OneTpmHasBothKeys) {
  const auto [credential, encrypted] = test::challenge_for(identity_, "only this TPM knows");
  const auto opened = vault_->attestor()->activate(blob_, secret_, credential, encrypted);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(std::string(opened->bytes().begin(), opened->bytes().end()), "only this TPM knows");
  Bytes changed = credential;
  changed.back() ^= 1U;
  EXPECT_FALSE(vault_->attestor()->activate(blob_, secret_, changed, encrypted));
  EXPECT_FALSE(vault_->attestor()->activate(blob_, secret_, Bytes(4096), encrypted));
}

TEST_F(Attestation, TheCounterIsCertifiedWithWhatItStandsFor) {
  const auto certified = vault_->attestor()->certify_counter(blob_, secret_, all_ones);
  ASSERT_TRUE(certified) << certified.error().text;
  const auto number = vault_->counter(blob_, secret_);
  ASSERT_TRUE(number);
  // TPMS_NV_CERTIFY_INFO ends with the contents.
  const BytesView end = BytesView(certified->attest).last(8);
  EXPECT_EQ(release::number_of(end), *number);
  EXPECT_FALSE(std::ranges::search(certified->attest, all_ones).empty());
}

}  // namespace
}  // namespace gims::hsm::tpm2
