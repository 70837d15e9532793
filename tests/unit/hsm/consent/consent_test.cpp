#include "hsm/consent/consent.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "hsm/approval/key_file.hpp"
#include "support/approval_signer.hpp"
#include "support/temp_folder.hpp"

namespace gims::hsm::consent {
namespace {

using approval::Challenge;

constexpr Challenge challenge{1, 2, 3};
const std::string seed = "MC4CAQAwBQYDK2VwBCIEILsqphr3Punmup093ckHSPiD6mQ4UHAWxh52MBfDsfG9";
const std::string closed =
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgAV9GVphRCmgICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEECLY4xMzAKlFkT2+BHzcgWEEQCdj\n"
    "2qS1jYkLYjtN+B772W8LuB9/LPZGqt6aV7KpYi9+wNZLZaG+RINNe2VPxTLEOb4J\n"
    "+9tQu2L28bauUVi0FY0=";

std::string pem(const std::string& label, const std::string& base64) {
  return "-----BEGIN " + label + "-----\n" + base64 + "\n-----END " + label + "-----\n";
}

class ConsentTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  Result<approval::Assertion> say(const Means& means) {
    return assertion_by(means, challenge, [this]() -> Result<SecretBytes> {
      ++asked;
      return SecretBytes::copy_of(test::bytes_of("correct horse"));
    });
  }
  int asked = 0;

 private:
  test::TempFolder folder_;
};

TEST_F(ConsentTest, AKeySignsAndItsPassphraseIsAskedForWhereItHasOne) {
  const auto open = say({.who = "Asha",
                         .key_file = file("open.pem", pem("PRIVATE KEY", seed)),
                         .assertion_file = ""});
  ASSERT_TRUE(open) << open.error().text;
  EXPECT_EQ(asked, 0);
  const auto with_passphrase =
      say({.who = "Asha",
           .key_file = file("closed.pem", pem("ENCRYPTED PRIVATE KEY", closed)),
           .assertion_file = ""});
  ASSERT_TRUE(with_passphrase) << with_passphrase.error().text;
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(*with_passphrase, *open) << "it is the same key, and Ed25519 has one signature";
}

TEST_F(ConsentTest, AnAssertionsFileIsPassedOn) {
  const test::Signer asha("Asha", approval::KeyKind::webauthn_es256);
  const approval::Assertion made = asha.approve(challenge, 3);
  const std::string json = R"({"response":{"authenticatorData":")" +
                           test::base64url(made.authenticator_data) + R"(","clientDataJSON":")" +
                           test::base64url(made.client_data_json) + R"(","signature":")" +
                           test::base64url(made.signature) + R"("}})";
  const auto read =
      say({.who = "Asha", .key_file = "", .assertion_file = file("assertion.json", json)});
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, made);
}

TEST_F(ConsentTest, WhatIsMissingOrWrongIsNamed) {
  const std::string key = file("open.pem", pem("PRIVATE KEY", seed));
  const auto told = [&](const Means& means) {
    const auto refused = say(means);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
    return refused.error().text;
  };
  EXPECT_TRUE(told({.who = "", .key_file = key, .assertion_file = ""}).contains("--as"));
  EXPECT_TRUE(told({.who = "Asha", .key_file = "", .assertion_file = ""}).contains("--key"));
  EXPECT_TRUE(
      told({.who = "Asha", .key_file = key, .assertion_file = key}).contains("--assertion"));
  EXPECT_TRUE(told({.who = "Asha", .key_file = "/nowhere/a.pem", .assertion_file = ""})
                  .starts_with("/nowhere/a.pem cannot be read"));
  const std::string none = file("none.pem", "no key");
  EXPECT_TRUE(
      told({.who = "Asha", .key_file = none, .assertion_file = ""}).starts_with(none + ": "));
}

TEST(Consent, IsToldInWords) {
  Said said;
  said.proposal.id = 3;
  said.proposal.text = "destroy all keys of this site for good";
  said.proposal.seconds_left = 61;
  EXPECT_EQ(describe(said),
            "proposal 3: destroy all keys of this site for good\n"
            "  challenge: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
            "  approved:  by nobody yet\n"
            "  time left: 1 min 1 s\n");
  said.proposal.approved_by = {"Asha", "Bimal"};
  EXPECT_TRUE(describe(said.proposal).contains("by Asha, by Bimal\n"));
  said.yes = ApproveReply{.missing = 1, .text = ""};
  EXPECT_TRUE(describe(said).contains("waits for a second person"));
  said.yes = ApproveReply{.missing = 0, .text = "The keys are destroyed."};
  EXPECT_EQ(describe(said), "The keys are destroyed.\n");
}

}  // namespace
}  // namespace gims::hsm::consent
