// An export of the audit log, checked with nothing but the file.
#include "ctl/audit_export.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "crypto/audit_chain.hpp"
#include "hsm/attest/evidence.hpp"
#include "json/writer.hpp"
#include "support/attest_unit.hpp"
#include "support/temp_folder.hpp"

namespace gims::ctl {
namespace {

struct Entry {
  crypto::AuditLink link;
  std::string hash;
};

class AuditExport : public ::testing::Test {
 protected:
  AuditExport() {
    crypto::Digest before{};
    for (std::int64_t sequence = 1; sequence <= 6; ++sequence) {
      const crypto::AuditLink link{.sequence = sequence,
                                   .ts = 1'700'000'000'000 + sequence,
                                   .actor = "gimsctl uid 0",
                                   .origin = "admin socket",
                                   .act = "user.add",
                                   .target = "@desk.officer:gims.internal",
                                   .detail = R"({"a":1,"b":"x"})"};
      before = crypto::audit_hash(before, link);
      entries_.push_back({.link = link, .hash = crypto::hex(before)});
      hashes_.push_back(before);
    }
    unit_.head = head(4);
  }
  [[nodiscard]] hsm::AuditHead head(std::size_t sequence) const {
    return {.sequence = sequence, .hash = hashes_.at(sequence - 1)};
  }
  // As gimsd gives them, in pages of two.
  [[nodiscard]] std::string exported() const {
    std::vector<json::Document> pages;
    for (std::size_t i = 0; i < entries_.size(); i += 2) {
      json::Writer out;
      out.begin_object().key("entries").begin_array();
      for (std::size_t at = i; at < std::min(i + 2, entries_.size()); ++at) {
        const auto& [link, hash] = entries_[at];
        out.begin_object().member("sequence", link.sequence).member("ts", link.ts);
        out.member("actor", link.actor).member("origin", link.origin).member("act", link.act);
        out.member("target", link.target).raw_member("detail", link.detail);
        out.member("hash", hash).end_object();
      }
      out.end_array().end_object();
      pages.push_back(*json::Document::parse(out.take()));
    }
    const auto certificate =
        json::Document::parse(hsm::attest::encode_certificate(unit_.certificate()));
    return exported_audit(pages, certified_ ? certificate->root() : json::Value());
  }
  Outcome verify(const std::string& text, bool with_evidence = false) {
    std::ofstream(folder_ / "log") << text;
    std::ofstream(folder_ / "evidence") << hsm::attest::encode_evidence(unit_.evidence({}));
    const auto outcome =
        verify_audit_file(folder_.file("log"), with_evidence ? folder_.file("evidence") : "");
    EXPECT_TRUE(outcome) << outcome.error().text;
    return outcome ? *outcome : Outcome{};
  }

  test::TempFolder folder_;
  std::vector<Entry> entries_;
  std::vector<crypto::Digest> hashes_;
  test::AttestUnit unit_;
  bool certified_ = true;
};

TEST_F(AuditExport, OneThatIsWholeHolds) {
  const Outcome outcome = verify(exported());
  EXPECT_EQ(outcome.exit, Exit::ok) << outcome.out;
  EXPECT_TRUE(outcome.out.starts_with(
      "the audit log is whole: 6 entries\nentry 4 was certified with the unit's counter at 40, by "
      "the attestation key 000b"))
      << outcome.out;
  certified_ = false;
  EXPECT_EQ(verify(exported()).out, "the audit log is whole: 6 entries\n");
}

TEST_F(AuditExport, ACutTailIsFoundByTheCertificate) {
  entries_.resize(3);
  const Outcome outcome = verify(exported());
  EXPECT_EQ(outcome.exit, Exit::refused);
  EXPECT_EQ(outcome.out,
            "the audit log was cut off: entry 4, which the TPM certified, is missing\n");
}

TEST_F(AuditExport, ALogWrittenAnewIsFoundByTheCertificate) {
  unit_.head.hash[0] ^= 1U;
  const Outcome outcome = verify(exported());
  EXPECT_EQ(outcome.exit, Exit::refused);
  EXPECT_EQ(outcome.out,
            "the audit log was written anew: entry 4 is not the one that the TPM certified\n");
}

TEST_F(AuditExport, EntriesThatWereChangedOrRemovedAreNamed) {
  entries_[1].link.actor = "gimsctl uid 4711";
  EXPECT_EQ(verify(exported()).out,
            "entry 2 of the audit log, or the one before it, was changed\n");
  entries_.erase(entries_.begin() + 1);
  EXPECT_EQ(verify(exported()).out, "entry 2 of the audit log was removed\n");
}

TEST_F(AuditExport, AnOlderCertificateWithAnOlderLogIsFoundByTheUnitsEvidence) {
  entries_.resize(5);
  EXPECT_EQ(verify(exported(), true).exit, Exit::ok);
  const std::string older = exported();
  unit_.head = head(6);
  const Outcome outcome = verify(older, true);
  EXPECT_EQ(outcome.exit, Exit::refused);
  EXPECT_EQ(outcome.out,
            "the audit log was cut off: entry 6, which the TPM certified, is missing\n");
}

TEST_F(AuditExport, EvidenceOfAnotherUnitOrOfBeforeIsNone) {
  const std::string log = exported();
  unit_.counter = 39;
  EXPECT_EQ(verify(log, true).out, "the evidence is older than the certificate of the audit log\n");
  test::AttestUnit other;
  other.head = head(6);
  std::ofstream(folder_ / "log") << log;
  std::ofstream(folder_ / "other") << hsm::attest::encode_evidence(other.evidence({}));
  const auto outcome = verify_audit_file(folder_.file("log"), folder_.file("other"));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->out, "the audit log was certified by another unit than the evidence is of\n");
}

TEST_F(AuditExport, ACertificateThatDoesNotHoldIsRefused) {
  std::string log = exported();
  const std::size_t at = log.find("\"sequence\":4", log.find("\"certificate\""));
  ASSERT_NE(at, std::string::npos);
  log.replace(at, 12, "\"sequence\":3");
  std::ofstream(folder_ / "log") << log;
  const auto refused = verify_audit_file(folder_.file("log"), "");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "GIMS_ATTEST");
}

TEST_F(AuditExport, WhatIsNoExportIsWrongUse) {
  std::ofstream(folder_ / "log") << "{}";
  EXPECT_EQ(verify_audit_file(folder_.file("log"), "").error().kind, ErrorKind::bad_input);
  EXPECT_EQ(verify_audit_file(folder_.file("nothing"), "").error().kind, ErrorKind::bad_input);
}

}  // namespace
}  // namespace gims::ctl
