#include "hsm/attest/boot_check.hpp"

#include <gtest/gtest.h>

#include "support/attest_unit.hpp"

namespace gims::hsm::attest {
namespace {

using release::ExpectedEvent;
using test::digest_of;

ExpectedEvent event(const std::string& name, bool may_be_missing = false) {
  return {.name = name, .digests = {digest_of(name)}, .may_be_missing = may_be_missing};
}

class BootCheck : public ::testing::Test {
 protected:
  BootCheck() {
    manifest_.number = 7;
    manifest_.pcrs = {
        {.pcr = 7, .name = "state of Secure Boot", .values = {Digest{}}, .events = {}},
        {.pcr = 11,
         .name = "unified kernel image",
         .values = {},
         .events = {event("kernel"), event("initrd"), event("command line"),
                    event("phase one", true), event("phase two", true)}}};
  }
  void measure(std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names) {
      log_.events.push_back({.pcr = 11, .digest = digest_of(name), .words = std::string(name)});
      pcrs_[11] = extended(pcrs_[11], digest_of(name));
    }
  }
  // All that is not good, one line each.
  std::string faults() {
    Report report;
    check_boot(manifest_, pcrs_, log_, report);
    std::string text;
    for (const Finding& finding : report.findings()) {
      if (finding.verdict == Verdict::bad) text += finding.text + "\n";
    }
    EXPECT_EQ(text.empty(), report.holds());
    return text;
  }

  release::Manifest manifest_;
  std::array<PcrValue, quoted_pcr_count> pcrs_{};
  MeasuredEvents log_;
};

TEST_F(BootCheck, WhatWasReleasedHolds) {
  measure({"kernel", "initrd", "command line"});
  EXPECT_EQ(faults(), "");
  measure({"phase one"});
  EXPECT_EQ(faults(), "");
  measure({"phase two"});
  EXPECT_EQ(faults(), "");
}

TEST_F(BootCheck, WithoutALogTheSumIsEnoughWhereItIsRight) {
  measure({"kernel", "initrd", "command line", "phase one"});
  log_.events.clear();
  EXPECT_EQ(faults(), "");
  pcrs_[11] = extended(pcrs_[11], digest_of("more"));
  EXPECT_NE(faults().find("the event logs do not account for what was measured"),
            std::string::npos);
}

TEST_F(BootCheck, NamesTheComponentThatIsAnother) {
  measure({"kernel", "other initrd", "command line"});
  EXPECT_EQ(faults(),
            "The initrd is not as released: something else was measured in its place into PCR "
            "11.\n");
}

TEST_F(BootCheck, NamesWhatIsMissing) {
  measure({"kernel", "command line"});
  EXPECT_EQ(faults(), "The initrd was not measured into PCR 11: this unit started without it.\n");
}

TEST_F(BootCheck, TellsOfWhatTheReleaseDoesNotHave) {
  measure({"kernel", "initrd", "add-on", "command line"});
  EXPECT_EQ(faults(),
            "Something that the release does not have was measured into PCR 11; its log calls it "
            "\"add-on\".\n");
}

TEST_F(BootCheck, TellsOfWhatWasMeasuredAfterwards) {
  measure({"kernel", "initrd", "command line", "phase one", "phase two", "phase two"});
  EXPECT_EQ(faults(),
            "Something that the release does not have was measured into PCR 11; its log calls it "
            "\"phase two\".\n");
}

TEST_F(BootCheck, AnotherOrderIsNotTheRelease) {
  measure({"initrd", "kernel", "command line"});
  EXPECT_NE(faults(), "");
}

TEST_F(BootCheck, AStartThatWasBrokenOffIsNotTheRelease) {
  EXPECT_NE(faults().find("The kernel was not measured"), std::string::npos);
}

TEST_F(BootCheck, ALogThatNamesOtherEventsThanWereMeasuredAccountsForNothing) {
  measure({"kernel", "other initrd", "command line"});
  log_.events[1].digest = digest_of("initrd");
  EXPECT_NE(faults().find("which part it is cannot be told"), std::string::npos);
}

TEST_F(BootCheck, NamesAPcrByItsValueAlone) {
  measure({"kernel", "initrd", "command line"});
  pcrs_[7] = digest_of("Secure Boot is off");
  EXPECT_EQ(faults(),
            "The state of Secure Boot (PCR 7) is not as released: nothing is to be measured there, "
            "and something was.\n");
  manifest_.pcrs[0].values = {digest_of("on"), digest_of("on, with new keys")};
  EXPECT_NE(faults().find("The state of Secure Boot (PCR 7) is not as released: the PCR holds"),
            std::string::npos);
  pcrs_[7] = digest_of("on, with new keys");
  EXPECT_EQ(faults(), "");
}

}  // namespace
}  // namespace gims::hsm::attest
