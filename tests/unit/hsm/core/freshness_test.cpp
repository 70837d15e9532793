// Older copies of what gims-keyd keeps, and of the database, are noticed at the start.
#include "hsm/core/freshness.hpp"

#include <gtest/gtest.h>

#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

using test::KeydSite;

AuditHead head(std::uint64_t sequence) { return {.sequence = sequence, .hash = {1, 2, 3}}; }

constexpr std::int64_t until_checkpoint = 601'000;  // ms; Freshness::checkpoint_pause, and one more

// Time for a checkpoint goes by.
void checkpoint(KeydSite& site) {
  site.clock().advance(until_checkpoint);
  site.custodian().tick();
  ASSERT_EQ(site.custodian().next_try(), std::nullopt);
}

TEST(OlderCopies, TheNewestOpensAfterEveryEnd) {
  KeydSite site;
  site.provisioned();
  for (std::uint64_t i = 1; i < 5; ++i) {
    ASSERT_TRUE(site.custodian().extend_audit(head(i)));
    // With a checkpoint, with a clean stop, or killed.
    if (i % 3 == 0) checkpoint(site);
    if (i % 3 == 1) site.custodian().stop();
    ASSERT_EQ(site.restart().state(), State::operational) << i;
    EXPECT_EQ(site.custodian().audit_head(), head(i));
  }
}

TEST(OlderCopies, AFileFromBeforeACheckpointLocks) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().extend_audit(head(1)));
  const Bytes older = test::read_bytes(site.kept());
  ASSERT_TRUE(site.custodian().extend_audit(head(2)));
  checkpoint(site);
  const Bytes newest = test::read_bytes(site.kept());

  test::write_bytes(site.kept(), older);
  EXPECT_EQ(site.restart().state(), State::locked);
  EXPECT_NE(site.custodian().status().reason.find("older copy"), std::string::npos)
      << site.custodian().status().reason;
  // It does not pass by itself.
  EXPECT_EQ(site.custodian().next_try(), std::nullopt);

  test::write_bytes(site.kept(), newest);
  EXPECT_EQ(site.restart().state(), State::operational);
}

TEST(OlderCopies, BothFilesPutBackTogetherLock) {
  KeydSite site;
  site.provisioned();
  const Bytes custody = test::read_bytes(site.custody());
  const Bytes kept = test::read_bytes(site.kept());
  ASSERT_TRUE(site.custodian().extend_audit(head(1)));
  site.custodian().stop();
  test::write_bytes(site.custody(), custody);
  test::write_bytes(site.kept(), kept);
  EXPECT_EQ(site.restart().state(), State::locked);
}

TEST(OlderCopies, PowerThatGoesBetweenFileAndCounterIsMended) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().extend_audit(head(1)));
  site.hardware().counter_stuck = true;
  site.clock().advance(until_checkpoint);
  site.custodian().tick();  // writes the file; the counter stays
  site.hardware().counter_stuck = false;
  const std::uint64_t before = site.hardware().counter;
  ASSERT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(site.hardware().counter, before + 1);
  EXPECT_EQ(site.restart().state(), State::operational);
}

TEST(OlderCopies, ACounterThatIsStuckIsTriedAgainAndNotRunAhead) {
  KeydSite site;
  site.provisioned();
  site.hardware().counter_stuck = true;
  for (std::uint64_t i = 1; i < 4; ++i) {
    ASSERT_TRUE(site.custodian().extend_audit(head(i)));
    site.clock().advance(until_checkpoint);
    site.custodian().tick();
    // Not at once again: gims-keyd would do nothing else.
    ASSERT_TRUE(site.custodian().next_try());
    EXPECT_GT(*site.custodian().next_try(), std::chrono::seconds(1));
  }
  site.hardware().counter_stuck = false;
  checkpoint(site);
  EXPECT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(site.custodian().audit_head(), head(3));
}

TEST(OlderCopies, AnotherUnitsFileLocks) {
  KeydSite one;
  KeydSite two;
  one.provisioned();
  two.provisioned();
  const Bytes own = test::read_bytes(one.kept());
  test::write_bytes(one.kept(), test::read_bytes(two.kept()));
  EXPECT_EQ(one.restart().state(), State::locked);
  test::write_bytes(one.kept(), own);
  EXPECT_EQ(one.restart().state(), State::operational);
}

TEST(OlderCopies, AnOlderDatabaseLocks) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().mark_store({.position = 100}));
  ASSERT_TRUE(site.custodian().mark_store({.position = 100}));
  ASSERT_TRUE(site.custodian().mark_store({.position = 250}));
  site.restart();
  const auto older = site.custodian().mark_store({.position = 249});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, older_code);
  EXPECT_EQ(site.custodian().state(), State::locked);
  EXPECT_NE(site.custodian().status().reason.find("database"), std::string::npos);
  // With the newest put back all is well.
  ASSERT_TRUE(site.custodian().unlock());
  EXPECT_TRUE(site.custodian().mark_store({.position = 250}));
}

// What administrators do to accounts does not move the stream.
TEST(OlderCopies, ADatabaseWhoseAuditLogEndsEarlierLocks) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().extend_audit({.sequence = 6, .hash = {6}}));
  ASSERT_TRUE(site.custodian().mark_store({.position = 100, .audit_entry = 6}));
  const auto older = site.custodian().mark_store({.position = 100, .audit_entry = 5});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, older_code);
  EXPECT_EQ(site.custodian().state(), State::locked);
  EXPECT_NE(site.custodian().status().reason.find("ends with entry 5"), std::string::npos);
  ASSERT_TRUE(site.custodian().unlock());
  // The head is told after the act, so that a log may be ahead of it.
  EXPECT_TRUE(site.custodian().mark_store({.position = 100, .audit_entry = 7}));
  EXPECT_TRUE(site.custodian().mark_store({.position = 101}));
}

}  // namespace
}  // namespace gims::hsm
