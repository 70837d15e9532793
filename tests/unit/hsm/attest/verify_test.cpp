// Each thing that can be wrong with what a unit states has a sentence of its own.
#include "hsm/attest/verify.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "support/attest_unit.hpp"

namespace gims::hsm::attest {
namespace {

using test::AttestUnit;
using test::digest_of;

constexpr AttestNonce asked{9, 8, 7};

// What is not good of a report, a line each.
std::string faults_of(const Report& report) {
  std::string text;
  for (const Finding& finding : report.findings()) {
    if (finding.verdict == Verdict::bad) text += finding.text + "\n";
  }
  return text;
}

class Verify : public ::testing::Test {
 protected:
  Verify() {
    manifest_.number = 7;
    manifest_.name = "GIMS 1.4.0";
    manifest_.key = test::release_key().public_key;
    auto events = release::section_events(".linux", digest_of("kernel"));
    for (const release::ExpectedEvent& event : events) {
      unit_.measure(11, event.digests.front(), ".linux");
    }
    events.push_back(release::phase_event("enter-initrd"));
    unit_.measure_later(11, events.back().digests.front(), "enter-initrd");
    manifest_.pcrs.push_back(
        {.pcr = 11, .name = "unified kernel image", .values = {}, .events = std::move(events)});
    known_.nonce = asked;
    known_.manifest = &manifest_;
    known_.release_key = manifest_.key;
  }
  std::string faults(const Evidence& evidence) {
    return faults_of(verify(evidence, known_).report);
  }
  std::string faults() { return faults(unit_.evidence(asked)); }

  AttestUnit unit_;
  release::Manifest manifest_;
  Known known_;
};

TEST_F(Verify, AUnitThatRunsWhatWasReleasedHolds) {
  const Verified verified = verify(unit_.evidence(asked), known_);
  EXPECT_EQ(faults_of(verified.report), "");
  EXPECT_TRUE(verified.report.holds());
  ASSERT_TRUE(verified.unit);
  EXPECT_EQ(verified.unit->counter, 40U);
  EXPECT_EQ(verified.unit->told_release, 7U);
  EXPECT_EQ(verified.unit->audit_head.sequence, 12U);
  EXPECT_EQ(verified.unit->attestation_key_name, name_of(unit_.attestation_area));
}

TEST_F(Verify, AnotherNonceIsAnAnswerFromAnotherTime) {
  EXPECT_EQ(faults(unit_.evidence({1})),
            "The quote is about another nonce than was asked with: it is an answer from another "
            "time.\n");
  // Without one the evidence's own counts, and that is told.
  known_.nonce.reset();
  EXPECT_EQ(faults(unit_.evidence({1})), "");
  Evidence evidence = unit_.evidence({1});
  evidence.nonce = {2};
  EXPECT_NE(faults(evidence), "");
}

TEST_F(Verify, ASignatureThatWasChangedIsTold) {
  Evidence evidence = unit_.evidence(asked);
  evidence.stated.quote.signature[5] ^= 1U;
  EXPECT_EQ(faults(evidence),
            "The quote is not signed by the attestation key: it was changed, or made up.\n");
  evidence = unit_.evidence(asked);
  evidence.stated.quote.attest[60] ^= 1U;
  EXPECT_EQ(faults(evidence),
            "The quote is not signed by the attestation key: it was changed, or made up.\n");
  evidence = unit_.evidence(asked);
  evidence.stated.counter.signature[5] ^= 1U;
  EXPECT_EQ(faults(evidence),
            "The statement of the unit's counter is not signed by the attestation key: it was "
            "changed, or made up.\n");
  evidence = unit_.evidence(asked);
  evidence.stated.release.attest.back() ^= 1U;
  EXPECT_EQ(faults(evidence),
            "The statement of the newest release is not signed by the attestation key: it was "
            "changed, or made up.\n");
}

TEST_F(Verify, APcrThatWasChangedIsTold) {
  Evidence evidence = unit_.evidence(asked);
  evidence.stated.pcrs[4][0] ^= 1U;
  EXPECT_EQ(faults(evidence), "The PCRs' values are not those that the TPM signed.\n");
}

TEST_F(Verify, AnEventThatWasChangedAccountsForNothing) {
  Evidence evidence = unit_.evidence(asked);
  const Digest digest = digest_of("kernel");
  const auto at = std::ranges::search(evidence.firmware_log, digest).begin();
  ASSERT_NE(at, evidence.firmware_log.end());
  *at ^= 1U;
  // The sum is the release's all the same: it was the log that was changed.
  EXPECT_EQ(faults(evidence), "");
  manifest_.pcrs[0].events[1].digests = {digest_of("another kernel")};
  EXPECT_NE(faults(evidence).find("the event logs do not account for what was measured"),
            std::string::npos);
  EXPECT_EQ(faults(unit_.evidence(asked)),
            "The section .linux is not as released: something else was measured in its place into "
            "PCR 11.\n");
}

TEST_F(Verify, ALogThatCannotBeReadIsTold) {
  Evidence evidence = unit_.evidence(asked);
  evidence.firmware_log.pop_back();
  EXPECT_NE(faults(evidence).find("The firmware's event log is cut."), std::string::npos);
  evidence = unit_.evidence(asked);
  evidence.userspace_log.resize(evidence.userspace_log.size() - 4);
  EXPECT_NE(faults(evidence).find("A record of systemd's measurements is malformed"),
            std::string::npos);
}

TEST_F(Verify, ACounterOfAnotherHeadOrIndexIsTold) {
  Evidence evidence = unit_.evidence(asked);
  evidence.stated.audit_head.sequence = 11;
  EXPECT_EQ(faults(evidence),
            "The statement of the unit's counter is about another head of the audit log, or "
            "another nonce, than is given.\n");
  evidence = unit_.evidence(asked);
  evidence.stated.counter = unit_.number(audit_statement(unit_.head, asked), Bytes(34, 1), 40);
  EXPECT_EQ(faults(evidence),
            "The statement of the unit's counter is about another index of the TPM than the "
            "unit's counter.\n");
  evidence.stated.counter = evidence.stated.quote;
  EXPECT_EQ(faults(evidence),
            "The statement of the unit's counter is a statement about something else.\n");
}

TEST_F(Verify, AKeyThatSignsAnythingProvesNothing) {
  unit_.attestation_area = test::public_area(unit_.attestation.public_key,
                                             test::attestation_attributes & ~(1U << 16U), true);
  EXPECT_EQ(faults(),
            "The key that signs is no attestation key: a key that signs anything proves "
            "nothing.\n");
}

TEST_F(Verify, ReleasesAreTold) {
  unit_.told_release = 8;
  EXPECT_EQ(faults(),
            "The unit has run release 8, and the manifest is of release 7: get the manifest of "
            "the newer one.\n");
  unit_.told_release = 6;
  EXPECT_EQ(faults(), "");
  manifest_.key = generate_p256()->public_key;
  EXPECT_EQ(faults(),
            "The manifest is signed by another release key than the one that was given.\n"
            "The unit's TPM takes releases of another release key than the manifest's.\n");
}

TEST_F(Verify, ThatBothKeysAreInOneTpmIsShownByTheAnswer) {
  Activation activation;
  activation.attestation_key_name = name_of(unit_.attestation_area);
  activation.endorsement_key_name = name_of(unit_.endorsement_area);
  activation.secret = *SecretBytes::copy_of(Bytes(32, 5));
  activation.answer = *SecretBytes::copy_of(Bytes(32, 5));
  known_.activation = &activation;
  EXPECT_EQ(faults(), "");
  activation.answer = *SecretBytes::copy_of(Bytes(32, 6));
  EXPECT_EQ(faults(),
            "The answer to the challenge is wrong: the attestation key is not in the TPM of the "
            "endorsement key.\n");
  activation.answer = SecretBytes();
  EXPECT_NE(faults(), "");
  activation.answer = *SecretBytes::copy_of(Bytes(32, 5));
  activation.endorsement_key_name.back() ^= 1U;
  EXPECT_EQ(faults(), "The challenge was made for another unit's keys.\n");
}

TEST_F(Verify, AnEndorsementKeyThatIsNoneIsTold) {
  unit_.endorsement_area =
      test::public_area(unit_.endorsement.public_key, test::attestation_attributes, true);
  EXPECT_EQ(faults(), "The endorsement key is none that a TPM's maker makes.\n");
}

class Pinned : public Verify {
 protected:
  Pinned() : pinned_(*verify(unit_.evidence(asked), known_).unit) {}
  std::string against(const std::function<void(AttestUnit&)>& change) {
    change(unit_);
    Report report;
    compare_with_pinned(pinned_, *verify(unit_.evidence(asked), {}).unit, report);
    return faults_of(report);
  }
  Unit pinned_;
};

TEST_F(Pinned, TheSameUnitMayGoOn) {
  EXPECT_EQ(against([](AttestUnit&) {}), "");
  EXPECT_EQ(against([](AttestUnit& unit) {
              unit.counter = 41;
              unit.told_release = 8;
              unit.head = {.sequence = 13, .hash = {4}};
            }),
            "");
}

TEST_F(Pinned, AnotherAttestationKeyIsAnotherUnit) {
  const AttestUnit other;
  Report report;
  compare_with_pinned(pinned_, *verify(other.evidence(asked), {}).unit, report);
  EXPECT_TRUE(faults_of(report).starts_with("This is another unit than the one that was pinned"));
}

TEST_F(Pinned, AnotherEndorsementKeyIsTold) {
  EXPECT_EQ(against([](AttestUnit& unit) {
              unit.endorsement_area = test::public_area(generate_p256()->public_key,
                                                        test::endorsement_attributes, false);
            }),
            "The unit names another endorsement key than the one that was pinned.\n");
}

TEST_F(Pinned, ALowerReleaseIsADowngrade) {
  EXPECT_EQ(against([](AttestUnit& unit) { unit.told_release = 6; }),
            "The unit went back to release 6; it had run release 7.\n");
}

TEST_F(Pinned, ALowerCounterIsTold) {
  EXPECT_EQ(against([](AttestUnit& unit) { unit.counter = 39; }),
            "The unit's counter went back from 40 to 39.\n");
}

TEST_F(Pinned, AnAuditLogThatWentBackIsTold) {
  EXPECT_EQ(against([](AttestUnit& unit) { unit.head.sequence = 11; }),
            "The unit's audit log went back from entry 12 to entry 11: its tail was cut.\n");
  EXPECT_EQ(against([](AttestUnit& unit) { unit.head = {.sequence = 12, .hash = {9}}; }),
            "The unit's audit log was written anew: its entry 12 is not the one that was "
            "pinned.\n");
}

TEST_F(Verify, ACertificateOfTheAuditLogHolds) {
  AuditCertificate certificate = unit_.certificate();
  EXPECT_EQ(verify_certificate(certificate).value(), 40U);
  certificate.head.hash[0] ^= 1U;
  EXPECT_FALSE(verify_certificate(certificate));
  certificate = unit_.certificate();
  certificate.counter.attest.back() ^= 1U;
  EXPECT_FALSE(verify_certificate(certificate));
  // One that was made for a nonce is for no file.
  certificate = unit_.certificate();
  certificate.counter = unit_.evidence(asked).stated.counter;
  EXPECT_FALSE(verify_certificate(certificate));
}

}  // namespace
}  // namespace gims::hsm::attest
