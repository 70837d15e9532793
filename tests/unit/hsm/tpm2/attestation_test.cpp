// What the TPM states is judged here by tpm2-tools, which share no code with it.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "hsm/attest/credential.hpp"
#include "hsm/attest/verify.hpp"
#include "hsm/ca/sha256.hpp"
#include "hsm/ca/statement.hpp"
#include "hsm/proto/messages.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"
#include "support/attest_unit.hpp"
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

TEST_F(Attestation, TheNewestReleaseIsCertified) {
  const auto certified = vault_->attestor()->certify_release(blob_, all_ones);
  ASSERT_TRUE(certified) << certified.error().text;
  const auto attested = attest::parse_attest(certified->attest);
  ASSERT_TRUE(attested) << attested.error().text;
  EXPECT_TRUE(std::ranges::equal(attested->qualifying, all_ones));
  // Its name binds the release key: no other index passes for it.
  EXPECT_EQ(attested->index_name, release::index_name(test::release_key().public_key, true));
  EXPECT_EQ(release::number_of(attested->contents), 1U);
}

// Our parser and our judgement of all that a real TPM states.
TEST_F(Attestation, WhatTheTpmStatesHolds) {
  ASSERT_EQ(tools("tpm2_pcrextend 11:sha256=" + ones).status, 0);
  attest::Evidence evidence;
  evidence.nonce = all_ones;
  AttestReply& reply = evidence.stated;
  reply.attestation_key = identity_.attestation_key;
  reply.endorsement_key = identity_.endorsement_key;
  reply.audit_head = {.sequence = 5, .hash = {6}};
  const auto message = [](const Attestor::Statement& statement) {
    TpmStatement out{.attest = statement.attest, .signature = {}};
    std::ranges::copy(statement.signature.s,
                      std::ranges::copy(statement.signature.r, out.signature.begin()).out);
    return out;
  };
  const auto quote = vault_->attestor()->quote(blob_, all_ones);
  ASSERT_TRUE(quote) << quote.error().text;
  reply.quote = message(quote->statement);
  ASSERT_EQ(quote->pcrs.size(), reply.pcrs.size());
  std::ranges::copy(quote->pcrs, reply.pcrs.begin());
  reply.counter = message(*vault_->attestor()->certify_counter(
      blob_, secret_, audit_statement(reply.audit_head, all_ones)));
  reply.release = message(*vault_->attestor()->certify_release(blob_, release_statement(all_ones)));

  const auto verified = attest::verify(evidence, {.nonce = all_ones});
  for (const auto& finding : verified.report.findings()) {
    EXPECT_NE(finding.verdict, attest::Verdict::bad) << finding.text;
  }
  ASSERT_TRUE(verified.unit);
  EXPECT_EQ(verified.unit->counter, vault_->counter(blob_, secret_).value());
  EXPECT_EQ(verified.unit->told_release, 1U);
  EXPECT_TRUE(attest::is_endorsement_key(*attest::parse_public(identity_.endorsement_key)));
  // A counter that went on is told as more.
  ASSERT_TRUE(vault_->advance(blob_, secret_));
  reply.counter = message(*vault_->attestor()->certify_counter(
      blob_, secret_, audit_statement(reply.audit_head, all_ones)));
  EXPECT_EQ(attest::verify(evidence, {.nonce = all_ones}).unit->counter,
            verified.unit->counter + 1);
}

// TPM2_MakeCredential of ours, opened by TPMs.
TEST_F(Attestation, OurChallengeIsOpenedByTheTpmAlone) {
  const auto endorsement = attest::parse_public(identity_.endorsement_key);
  ASSERT_TRUE(endorsement) << endorsement.error().text;
  const SecretBytes secret = *SecretBytes::copy_of(Bytes(attest::challenge_secret_size, 0x33));
  const auto made =
      attest::make_credential(*endorsement, attest::name_of(identity_.attestation_key), secret);
  ASSERT_TRUE(made) << made.error().text;
  const auto opened =
      vault_->attestor()->activate(blob_, secret_, made->credential, made->encrypted_secret);
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_TRUE(equal_in_constant_time(opened->bytes(), secret.bytes()));
  // For another attestation key, it does not open beside this one.
  Bytes other_name = attest::name_of(identity_.attestation_key);
  other_name.back() ^= 1U;
  const auto other = attest::make_credential(*endorsement, other_name, secret);
  ASSERT_TRUE(other);
  EXPECT_FALSE(
      vault_->attestor()->activate(blob_, secret_, other->credential, other->encrypted_secret));
  EXPECT_FALSE(attest::make_credential(*attest::parse_public(identity_.attestation_key), other_name,
                                       secret));
}

// An endorsement key of RSA, as most TPMs come with, and tpm2-tools on the other side.
class RsaEndorsement : public ::testing::Test {
 protected:
  test::CommandResult tools(const std::string& script) const {
    return test::run_command({"sh", "-euc",
                              "cd " + folder_.path().string() +
                                  "; export TPM2TOOLS_TCTI=" + tpm_.tcti() + "; " + script});
  }
  [[nodiscard]] Bytes read(const char* name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  test::Swtpm tpm_;
  test::TempFolder folder_;
};

TEST_F(RsaEndorsement, OpensOurChallenge) {
  const auto keys = tools(
      "flush() { tpm2_flushcontext -t; tpm2_flushcontext -s; tpm2_flushcontext -l; };"
      "tpm2_createek -Q -G rsa -c ek.ctx -u ek.pub; flush;"
      "tpm2_createak -Q -C ek.ctx -G ecc -g sha256 -s ecdsa -c ak.ctx -u ak.pub -n ak.name; flush");
  ASSERT_EQ(keys.status, 0) << keys.output;
  // TPM2B_PUBLIC: without its size, TPMT_PUBLIC.
  const Bytes file = read("ek.pub");
  ASSERT_GT(file.size(), 2U);
  const auto key = attest::parse_public(BytesView(file).subspan(2));
  ASSERT_TRUE(key) << key.error().text;
  EXPECT_EQ(key->kind, attest::PublicKey::Kind::rsa2048);
  const SecretBytes secret = *SecretBytes::copy_of(Bytes(attest::challenge_secret_size, 'x'));
  const auto made = attest::make_credential(*key, read("ak.name"), secret);
  ASSERT_TRUE(made) << made.error().text;
  // As tpm2_makecredential writes it: a magic, a version, then the two with their sizes.
  test::TpmBytes out;
  out.u32(0xBADCC0DE).u32(1).sized(made->credential).sized(made->encrypted_secret);
  std::ofstream(folder_ / "credential", std::ios::binary)
      .write(reinterpret_cast<const char*>(out.bytes().data()),
             static_cast<std::streamsize>(out.bytes().size()));
  const auto opened = tools(
      "tpm2_startauthsession -Q --policy-session -S s.ctx; tpm2_policysecret -Q -S s.ctx -c e;"
      "tpm2_activatecredential -Q -c ak.ctx -C ek.ctx -i credential -o opened -P session:s.ctx;"
      "tpm2_flushcontext s.ctx");
  ASSERT_EQ(opened.status, 0) << opened.output;
  EXPECT_EQ(read("opened"), Bytes(attest::challenge_secret_size, 'x'));
}

}  // namespace
}  // namespace gims::hsm::tpm2
