// gimsctl attest, with a unit in software: exit statuses, words and files.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

#include "crypto/bytes.hpp"
#include "ctl/commands.hpp"
#include "hsm/release/key_file.hpp"
#include "hsm/release/manifest.hpp"
#include "support/attest_unit.hpp"
#include "support/temp_folder.hpp"
#include "support/tpm_maker.hpp"

namespace gims::ctl {
namespace {

using hsm::attest::encode_evidence;
using test::digest_of;

class AttestCommandsTest : public ::testing::Test {
 protected:
  AttestCommandsTest() {
    unit_.measure(11, digest_of("kernel"), ".linux");
    manifest_.number = 7;
    manifest_.name = "GIMS 1.4.0";
    manifest_.key = test::release_key().public_key;
    manifest_.pcrs = {
        {.pcr = 11,
         .name = "unified kernel image",
         .values = {},
         .events = {
             {.name = "kernel", .digests = {digest_of("kernel")}, .may_be_missing = false}}}};
    write("manifest", *hsm::release::sign_manifest(manifest_, [](const hsm::Digest& digest) {
            return hsm::p256_sign(test::release_key(), digest);
          }));
    write("release.pem", hsm::release::public_key_to_pem(manifest_.key));
  }

  void write(std::string_view name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string read(std::string_view name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::string file(std::string_view name) const { return folder_.file(name); }

  Outcome gimsctl(std::vector<std::string> words) {
    words.insert(words.begin(), "gimsctl");
    std::vector<const char*> argv;
    for (const std::string& word : words) argv.push_back(word.c_str());
    return run(
        static_cast<int>(argv.size()), argv.data(),
        {.ask = [this](const std::string&, const Question& question) -> Result<Reply> {
           asked_ = question.path;
           const auto body = json::Document::parse(question.body.reveal());
           const auto nonce = hsm::attest::nonce_from_hex(body->root().get("nonce").string_or(""));
           if (refuses_) {
             return Reply{.status = 503,
                          .json = *json::Document::parse(R"({"error":"gims-keyd is locked"})")};
           }
           return Reply{.status = 200,
                        .json = *json::Document::parse(encode_evidence(unit_.evidence(*nonce)))};
         },
         .password = []() -> Result<Redacted> {
           return fail(ErrorKind::bad_input, "PASSWORD", "none");
         },
         .fetch = [this](const Transfer& request) -> Result<Transferred> {
           url_ = request.url;
           ca_ = request.ca_file;
           const auto nonce = hsm::attest::nonce_from_hex(
               std::string_view(request.url).substr(request.url.rfind('=') + 1));
           if (!nonce) return fail(ErrorKind::unavailable, "CURL", "no nonce");
           if (refuses_) return Transferred{.status = 429, .body = R"({"error":"Too many."})"};
           if (instead_) return *instead_;
           return Transferred{.status = 200,
                              .body = encode_evidence(unit_.evidence(replayed_.value_or(*nonce)))};
         },
         .activate = [this](const std::string& socket,
                            const hsm::ActivateRequest&) -> Result<SecretBytes> {
           asked_ = socket;
           const auto kept = json::Document::parse(read("kept"));
           auto secret = *crypto::from_hex(kept->root().get("secret").string_or(""));
           if (other_tpm_) secret[0] ^= 1U;
           return SecretBytes::copy_of(secret);
         }});
  }
  Outcome verify(std::vector<std::string> more = {}) {
    write("evidence", encode_evidence(unit_.evidence({1, 2})));
    std::vector<std::string> words{"attest", "verify", file("evidence")};
    words.insert(words.end(), more.begin(), more.end());
    return gimsctl(words);
  }

  test::TempFolder folder_;
  test::AttestUnit unit_;
  hsm::release::Manifest manifest_;
  std::string asked_;
  std::string url_;
  std::string ca_;
  std::optional<hsm::AttestNonce> replayed_;
  std::optional<Transferred> instead_;  // of evidence
  bool refuses_ = false;
  bool other_tpm_ = false;
};

constexpr const char* with_notes = "\nWhat was judged holds. What the notes name was not shown.\n";
constexpr const char* as_released = "\nThis unit runs what was released.\n";
const std::string nonce_of_evidence = "0102" + std::string(60, '0');

TEST_F(AttestCommandsTest, WritesTheEvidenceOfTheUnit) {
  const Outcome shown = gimsctl({"attest", "--nonce", nonce_of_evidence});
  EXPECT_EQ(shown.exit, Exit::ok) << shown.err;
  EXPECT_EQ(asked_, "/attestation");
  EXPECT_EQ(*hsm::attest::decode_evidence(shown.out),
            unit_.evidence(*hsm::attest::nonce_from_hex(nonce_of_evidence)));
  const Outcome written = gimsctl({"attest", "--out", file("evidence")});
  EXPECT_EQ(written.exit, Exit::ok) << written.err;
  const auto first = hsm::attest::decode_evidence(read("evidence"));
  ASSERT_TRUE(first);
  ASSERT_EQ(gimsctl({"attest", "--out", file("evidence")}).exit, Exit::ok);
  EXPECT_NE(hsm::attest::decode_evidence(read("evidence"))->nonce, first->nonce);
  EXPECT_EQ(gimsctl({"attest", "--nonce", "12"}).exit, Exit::usage);
  refuses_ = true;
  const Outcome refused = gimsctl({"attest"});
  EXPECT_EQ(refused.exit, Exit::refused);
  EXPECT_EQ(refused.err, "gimsctl: gims-keyd is locked\n");
}

TEST_F(AttestCommandsTest, VerifySaysThatAUnitRunsWhatWasReleased) {
  const Outcome good = verify({"--manifest", file("manifest"), "--release-key", file("release.pem"),
                               "--nonce", nonce_of_evidence});
  EXPECT_EQ(good.exit, Exit::ok) << good.out << good.err;
  EXPECT_TRUE(good.out.ends_with(with_notes)) << good.out;
  EXPECT_NE(good.out.find("ok     The unified kernel image (PCR 11) is as released, in each of its "
                          "parts.\n"),
            std::string::npos)
      << good.out;
  EXPECT_TRUE(asked_.empty() && url_.empty());  // nobody was asked
  EXPECT_EQ(verify().exit, Exit::ok);
}

// A manifest and a nonce do not show whose key signs: anybody could make one in software.
TEST_F(AttestCommandsTest, AUnitRunsWhatWasReleasedWhereEachQuestionHasItsAnswer) {
  const test::TpmMaker maker(unit_.endorsement.public_key);
  unit_.endorsement_certificate = maker.read("ek.der");
  std::filesystem::create_directory(folder_ / "makers");
  const hsm::Bytes root = maker.read("maker.pem");
  write("makers/maker.pem", crypto::as_text(root));
  write("evidence", encode_evidence(unit_.evidence({1, 2})));
  ASSERT_EQ(gimsctl({"attest", "challenge", file("evidence"), "--keep", file("kept"), "--out",
                     file("challenge")})
                .exit,
            Exit::ok);
  ASSERT_EQ(gimsctl({"attest", "activate", file("challenge"), "--out", file("answer")}).exit,
            Exit::ok);
  const std::vector<std::vector<std::string>> answers{
      {"--manifest", file("manifest")},
      {"--release-key", file("release.pem")},
      {"--nonce", nonce_of_evidence},
      {"--challenge", file("kept"), "--answer", file("answer")},
      {"--ek-roots", file("makers")}};
  for (std::size_t without = 0; without <= answers.size(); ++without) {
    std::vector<std::string> with;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (i != without) with.insert(with.end(), answers[i].begin(), answers[i].end());
    }
    const Outcome judged = verify(with);
    EXPECT_EQ(judged.exit, Exit::ok) << judged.out << judged.err;
    EXPECT_TRUE(judged.out.ends_with(without == answers.size() ? as_released : with_notes))
        << without << judged.out;
  }
}

TEST_F(AttestCommandsTest, VerifyNamesTheComponent) {
  unit_.measure(11, digest_of("add-on"), "add-on");
  const Outcome bad = verify({"--manifest", file("manifest")});
  EXPECT_EQ(bad.exit, Exit::refused);
  EXPECT_NE(
      bad.out.find("FAULT  Something that the release does not have was measured into PCR 11"),
      std::string::npos)
      << bad.out;
  EXPECT_TRUE(bad.out.ends_with("THIS UNIT IS NOT WHAT IT SHOULD BE.\n"));
  const auto json = json::Document::parse(verify({"--json", "--manifest", file("manifest")}).out);
  ASSERT_TRUE(json);
  EXPECT_FALSE(json->root().get("holds").bool_or(true));
  EXPECT_GT(json->root().get("findings").size(), 2U);
}

TEST_F(AttestCommandsTest, VerifyRefusesAnotherNonce) {
  const Outcome bad = verify({"--nonce", std::string(64, 'a')});
  EXPECT_EQ(bad.exit, Exit::refused);
  EXPECT_NE(bad.out.find("another nonce"), std::string::npos) << bad.out;
}

TEST_F(AttestCommandsTest, FilesThatDoNotHoldAreRefusedAndMissingOnesAreWrongUse) {
  std::string changed = read("manifest");
  changed[changed.find("kernel")] = 'K';
  write("changed", changed);
  const Outcome forged = verify({"--manifest", file("changed")});
  EXPECT_EQ(forged.exit, Exit::refused);
  EXPECT_NE(forged.err.find("signature is wrong"), std::string::npos) << forged.err;
  write("evidence", "{}");
  EXPECT_EQ(gimsctl({"attest", "verify", file("evidence")}).exit, Exit::refused);
  EXPECT_EQ(gimsctl({"attest", "verify", file("nothing")}).exit, Exit::usage);
  EXPECT_EQ(verify({"--ek-roots", file("nothing")}).exit, Exit::usage);
  EXPECT_EQ(verify({"--release-key", file("manifest")}).exit, Exit::refused);
  EXPECT_EQ(gimsctl({"attest", "verify"}).exit, Exit::usage);
  EXPECT_EQ(verify({"--challenge", file("kept")}).exit, Exit::usage);  // without an answer
}

TEST_F(AttestCommandsTest, AChallengeShowsThatBothKeysAreInOneTpm) {
  write("evidence", encode_evidence(unit_.evidence({1, 2})));
  const Outcome made = gimsctl({"attest", "challenge", file("evidence"), "--keep", file("kept"),
                                "--out", file("challenge")});
  ASSERT_EQ(made.exit, Exit::ok) << made.err;
  EXPECT_EQ(std::filesystem::status(folder_ / "kept").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  const Outcome answered = gimsctl({"attest", "activate", file("challenge"), "--keyd-socket",
                                    "/run/keyd", "--out", file("answer")});
  ASSERT_EQ(answered.exit, Exit::ok) << answered.err;
  EXPECT_EQ(asked_, "/run/keyd");
  const std::vector<std::string> with{"--challenge", file("kept"), "--answer", file("answer")};
  const Outcome bound = verify(with);
  EXPECT_EQ(bound.exit, Exit::ok) << bound.out;
  EXPECT_NE(
      bound.out.find("ok     The attestation key is in the TPM that has the endorsement key."),
      std::string::npos)
      << bound.out;
  other_tpm_ = true;
  ASSERT_EQ(gimsctl({"attest", "activate", file("challenge"), "--out", file("answer")}).exit,
            Exit::ok);
  EXPECT_EQ(verify(with).exit, Exit::refused);
  write("challenge", "{}");
  EXPECT_EQ(gimsctl({"attest", "activate", file("challenge")}).exit, Exit::usage);
}

TEST_F(AttestCommandsTest, PinRemembersTheUnitAndNoticesWhatWentBack) {
  const std::vector<std::string> words{"attest",      "pin",        "https://gims.internal:8443",
                                       "--pins",      file("pins"), "--ca",
                                       file("ca.pem")};
  const Outcome first = gimsctl(words);
  EXPECT_EQ(first.exit, Exit::ok) << first.out << first.err;
  EXPECT_NE(first.out.find("pinned from now on"), std::string::npos) << first.out;
  EXPECT_TRUE(url_.starts_with("https://gims.internal:8443/_gims/attestation?nonce="));
  EXPECT_EQ(ca_, file("ca.pem"));
  unit_.counter = 41;
  EXPECT_EQ(gimsctl(words).exit, Exit::ok);
  const std::string pinned = read("pins");

  unit_.counter = 40;  // less than what it was the last time
  const Outcome counter = gimsctl(words);
  EXPECT_EQ(counter.exit, Exit::refused);
  EXPECT_NE(counter.out.find("The unit's counter went back from 41 to 40."), std::string::npos);
  unit_.counter = 41;
  unit_.told_release = 6;
  const Outcome release = gimsctl(words);
  EXPECT_EQ(release.exit, Exit::refused);
  EXPECT_NE(release.out.find("The unit went back to release 6"), std::string::npos);
  // What does not hold is not remembered.
  EXPECT_EQ(read("pins"), pinned);
  unit_.told_release = 7;
  EXPECT_EQ(gimsctl(words).exit, Exit::ok);
  replayed_ = hsm::AttestNonce{1};
  const Outcome replayed = gimsctl(words);
  EXPECT_EQ(replayed.exit, Exit::refused);
  EXPECT_NE(replayed.out.find("an answer from another time"), std::string::npos);
}

TEST_F(AttestCommandsTest, PinTellsAnotherUnit) {
  const std::vector<std::string> words{"attest", "pin", "https://gims.internal", "--pins",
                                       file("pins")};
  ASSERT_EQ(gimsctl(words).exit, Exit::ok);
  const test::AttestUnit other;
  replayed_.reset();
  unit_.attestation_area = other.attestation_area;  // signed by its own key still
  EXPECT_EQ(gimsctl(words).exit, Exit::refused);
}

TEST_F(AttestCommandsTest, PinTellsAUnitThatStatesNothingAnyMore) {
  const std::vector<std::string> words{"attest", "pin", "https://gims.internal", "--pins",
                                       file("pins")};
  instead_ = Transferred{.status = 404, .body = R"({"error":"No hardware."})"};
  const Outcome never = gimsctl(words);
  EXPECT_EQ(never.exit, Exit::refused);
  EXPECT_EQ(never.err, "gimsctl: No hardware.\n");
  instead_.reset();
  ASSERT_EQ(gimsctl(words).exit, Exit::ok);
  const std::string pinned = read("pins");
  for (const Transferred& answer :
       {Transferred{.status = 404, .body = R"({"error":"No hardware."})"},
        Transferred{.status = 200, .body = "{}"}}) {
    instead_ = answer;
    const Outcome gone = gimsctl(words);
    EXPECT_EQ(gone.exit, Exit::refused);
    EXPECT_TRUE(
        gone.out.starts_with("FAULT  The unit that was pinned states nothing about itself "
                             "any more: "))
        << gone.out << gone.err;
  }
  refuses_ = true;  // which is no fault of the unit
  EXPECT_EQ(gimsctl(words).exit, Exit::not_reached);
  EXPECT_EQ(read("pins"), pinned);
}

TEST_F(AttestCommandsTest, PinTellsARefusalAndABadFile) {
  const std::vector<std::string> words{"attest", "pin", "https://gims.internal", "--pins",
                                       file("pins")};
  refuses_ = true;
  const Outcome refused = gimsctl(words);
  EXPECT_EQ(refused.exit, Exit::not_reached);
  EXPECT_EQ(refused.err, "gimsctl: Too many.\n");
  refuses_ = false;
  for (const char* bad : {"[]", R"({"version":2,"pins":[]})", R"({"version":1,"pins":[{}]})"}) {
    write("pins", bad);
    EXPECT_EQ(gimsctl(words).exit, Exit::usage) << bad;
    EXPECT_EQ(read("pins"), bad);
  }
}

}  // namespace
}  // namespace gims::ctl
