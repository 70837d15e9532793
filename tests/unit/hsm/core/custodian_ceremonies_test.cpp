// What ceremonies do at their end.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "support/recovery_site.hpp"

namespace gims::hsm {
namespace {

using test::hold;
using test::Identity;
using test::identity_of;
using test::KeydSite;
using test::leaf_of;
using test::provision_request;
using test::read_bytes;
using test::record_of;
using test::request;
using test::restore_from;
using test::Shares;
using test::write_bytes;

std::string code_of(const auto& result) { return result ? "" : result.error().code; }

// ---- provisioning -------------------------------------------------------------------------------

TEST(Recovery, TheSiteRootsKeyIsInTheRecoveryFileAlone) {
  KeydSite site;
  CeremonyRequest asked = provision_request();
  const SecretBytes secret = *SecretBytes::copy_of(Bytes(key_size, 0x33));
  asked.dev_recovery_secret = *secret.clone();
  ASSERT_TRUE(site.provision(std::move(asked)));
  const RecoveryRecord record = record_of(site.custodian());
  const auto envelope = open_recovery(record, secret);
  ASSERT_TRUE(envelope) << envelope.error().text;
  auto root = p256_from_scalar(*envelope->site_root.clone());
  ASSERT_TRUE(root);
  EXPECT_EQ(root->public_key, *key_of(site.custodian().site_root().certificate));
  for (const auto& entry : std::filesystem::directory_iterator(site.state())) {
    const Bytes bytes = read_bytes(entry.path());
    EXPECT_TRUE(std::ranges::search(bytes, envelope->site_root.bytes()).empty()) << entry.path();
    EXPECT_TRUE(std::ranges::search(bytes, envelope->root_key.bytes()).empty()) << entry.path();
  }
  // recovery.bin is what custody.bin holds of it.
  EXPECT_EQ(read_bytes(site.recovery()), site.custodian().recovery_file()->file);
}

TEST(Recovery, AChangedOrMissingCopyIsMadeAnew) {
  KeydSite site;
  site.provisioned();
  const Bytes good = read_bytes(site.recovery());
  Bytes bad = good;
  bad[40] ^= 1U;
  write_bytes(site.recovery(), bad);
  EXPECT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(read_bytes(site.recovery()), good);
  std::filesystem::remove(site.recovery());
  EXPECT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(read_bytes(site.recovery()), good);
  // Where it cannot be written the site works all the same.
  std::filesystem::remove(site.recovery());
  std::filesystem::create_directory(site.recovery());
  EXPECT_EQ(site.restart().state(), State::operational);
}

TEST(Recovery, ANewSiteDoesNotOverwriteTheRecoveryOfAnother) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().zeroize({}));
  const Bytes file = read_bytes(site.recovery());
  const auto refused = site.provision(provision_request());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("recovery.bin of an earlier site"), std::string::npos);
  EXPECT_EQ(read_bytes(site.recovery()), file);
}

// ---- restoring ----------------------------------------------------------------------------------

TEST(Recovery, TwoOfThreeRestoreOntoOtherHardware) {
  KeydSite site;
  const Identity before = identity_of(site.provisioned());
  const Bytes file = site.custodian().recovery_file()->file;
  const Bytes old_ca = leaf_of(site.custodian())->chain[1];
  for (const Shares& quorum :
       {Shares{site.shares()[0], site.shares()[1]}, Shares{site.shares()[2], site.shares()[0]}}) {
    KeydSite other;
    const auto done = hold(other.custodian(), restore_from(file), quorum);
    ASSERT_TRUE(done) << done.error().text;
    EXPECT_EQ(identity_of(other.custodian()), before);
    const auto leaf = leaf_of(other.custodian());
    ASSERT_TRUE(leaf) << leaf.error().text;
    EXPECT_NE(leaf->chain[1], old_ca);
    // The old issuing CA is revoked, the new one is not.
    const RecoveryRecord record = record_of(other.custodian());
    ASSERT_EQ(record.revoked.size(), 1U);
    EXPECT_EQ(record.revoked[0].serial, *serial_of(old_ca));
    ASSERT_EQ(record.issued.size(), 1U);
    EXPECT_EQ(record.issued[0].serial, *serial_of(leaf->chain[1]));
    EXPECT_EQ(record.crl_number, 2U);
    const Bytes list = other.custodian().crl({.which = 0})->crl;
    const Bytes serial = *serial_of(old_ca);
    EXPECT_FALSE(std::ranges::search(list, serial).empty());
    EXPECT_EQ(other.restart().state(), State::operational);
    EXPECT_EQ(identity_of(other.custodian()), before);
  }
}

TEST(Recovery, OneOfThreeDoesNot) {
  KeydSite site;
  site.provisioned();
  KeydSite other;
  const auto refused = hold(other.custodian(), restore_from(site.custodian().recovery_file()->file),
                            {site.shares()[1], site.shares()[1]});
  EXPECT_EQ(code_of(refused), "GIMS_KEYD_CEREMONY");
  EXPECT_EQ(other.custodian().state(), State::unprovisioned);
  EXPECT_TRUE(other.hardware().seal.empty());
  EXPECT_TRUE(std::filesystem::is_empty(other.state()));
}

TEST(Recovery, ARestoredUnitIsRestoredAgainFromItsNewFile) {
  KeydSite first;
  const Identity before = identity_of(first.provisioned());
  KeydSite second;
  ASSERT_TRUE(hold(second.custodian(), restore_from(first.custodian().recovery_file()->file),
                   first.shares()));
  KeydSite third;
  ASSERT_TRUE(hold(third.custodian(), restore_from(second.custodian().recovery_file()->file),
                   first.shares()));
  EXPECT_EQ(identity_of(third.custodian()), before);
  EXPECT_EQ(record_of(third.custodian()).revoked.size(), 2U);
}

TEST(Recovery, AfterZeroizingTheFileThatIsLeftIsEnough) {
  KeydSite site;
  const Identity before = identity_of(site.provisioned());
  ASSERT_TRUE(site.custodian().zeroize({}));
  const auto done = hold(site.custodian(), request(CeremonyKind::restore), site.shares());
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(identity_of(site.custodian()), before);
  EXPECT_EQ(site.restart().state(), State::operational);
}

TEST(Recovery, WhenTheHardwareWillNotOpenItIsSealedAnewInIt) {
  KeydSite site;
  const Identity before = identity_of(site.provisioned());
  ASSERT_TRUE(site.custodian().extend_audit({.sequence = 4, .hash = {4}}));
  const std::uint64_t counter = site.hardware().counter;
  site.hardware().boot = 2;
  ASSERT_EQ(site.restart().state(), State::locked);
  const auto done = hold(site.custodian(), request(CeremonyKind::restore), site.shares());
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(identity_of(site.custodian()), before);
  EXPECT_EQ(site.custodian().audit_head().sequence, 4U) << "the same hardware, the same log";
  EXPECT_GT(site.hardware().counter, counter);
  EXPECT_EQ(site.restart().state(), State::operational);
}

TEST(Recovery, OntoHardwareOfAnotherSiteOnlyWhereItIsToBeReplaced) {
  KeydSite site;
  site.provisioned();
  const Bytes file = site.custodian().recovery_file()->file;
  KeydSite other;
  other.provisioned();
  std::filesystem::remove(other.custody());
  ASSERT_EQ(other.restart().state(), State::unprovisioned);
  const Bytes others = read_bytes(other.recovery());
  EXPECT_FALSE(hold(other.custodian(), restore_from(file), site.shares()));
  EXPECT_EQ(read_bytes(other.recovery()), others);
  other.custodian().abort_ceremony();
  CeremonyRequest asked = restore_from(file);
  asked.replace = true;
  const auto done = hold(other.custodian(), std::move(asked), site.shares());
  EXPECT_TRUE(done) << done.error().text;
}

TEST(Recovery, SharesOfAnotherSetOrFileAreRefused) {
  KeydSite one;
  KeydSite two;
  one.provisioned();
  two.provisioned();
  KeydSite fresh;
  const auto refused = hold(fresh.custodian(), restore_from(one.custodian().recovery_file()->file),
                            {one.shares()[0], two.shares()[1]});
  EXPECT_EQ(code_of(refused), "GIMS_KEYD_SHARE");
  fresh.custodian().abort_ceremony();
  Bytes file = one.custodian().recovery_file()->file;
  file.back() ^= 1U;
  const auto changed = hold(fresh.custodian(), restore_from(file), one.shares());
  ASSERT_FALSE(changed);
  EXPECT_NE(changed.error().text.find("was changed"), std::string::npos) << changed.error().text;
  fresh.custodian().abort_ceremony();
  EXPECT_EQ(code_of(fresh.custodian().begin_ceremony(restore_from({1, 2, 3}))),
            "GIMS_KEYD_CUSTODY");
  EXPECT_EQ(code_of(fresh.custodian().begin_ceremony(request(CeremonyKind::restore))),
            "GIMS_KEYD_REQUEST")
      << "there is none in the folder";
}

// ---- sharing anew -------------------------------------------------------------------------------

TEST(Recovery, NewSharesTakeThePlaceOfTheOld) {
  KeydSite site;
  const Identity before = identity_of(site.provisioned());
  const Bytes old_file = site.custodian().recovery_file()->file;
  CeremonyRequest asked = request(CeremonyKind::reshare);
  asked.scheme = {.group_threshold = 1, .groups = {{.threshold = 3, .count = 4}}};
  Shares fresh;
  const auto done = hold(site.custodian(), std::move(asked), site.shares(), &fresh);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done->generation, 2U);
  EXPECT_NE(done->text.find("A quorum of generation 1 opens nothing that is made from now on"),
            std::string::npos)
      << done->text;
  ASSERT_EQ(fresh.size(), 4U);
  EXPECT_EQ(identity_of(site.custodian()), before);
  EXPECT_EQ(site.restart().state(), State::operational);
  const Bytes new_file = site.custodian().recovery_file()->file;
  EXPECT_EQ(read_bytes(site.recovery()), new_file);
  EXPECT_EQ(decode_recovery(new_file)->generation, 2U);

  // Elsewhere each quorum opens what is of its generation, and nothing else: that is what is said.
  const auto restores = [](const Bytes& file, const Shares& shares) {
    KeydSite other;
    return hold(other.custodian(), restore_from(file), shares).has_value();
  };
  EXPECT_TRUE(restores(new_file, {fresh[3], fresh[1], fresh[0]}));
  EXPECT_FALSE(restores(new_file, {fresh[3], fresh[1]}));
  EXPECT_FALSE(restores(new_file, site.shares()));
  EXPECT_TRUE(restores(old_file, site.shares()));
  EXPECT_FALSE(restores(old_file, fresh));
}

TEST(Recovery, SharesThatAreInForceAreToldSoAlsoWhereTheHardwareIsAwayJustThen) {
  KeydSite site;
  site.provisioned();
  site.hardware().calls_left = 0;
  Shares fresh;
  const auto done = hold(site.custodian(), request(CeremonyKind::reshare), site.shares(), &fresh);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done->generation, 2U);
  EXPECT_NE(done->text.find("gims-keyd is locked now: the hardware cannot be reached"),
            std::string::npos)
      << done->text;
  EXPECT_EQ(site.custodian().state(), State::locked);
}

TEST(Recovery, AUnitDoesNotGoBackToAnOlderQuorum) {
  KeydSite site;
  site.provisioned();
  const Bytes old_file = site.custodian().recovery_file()->file;
  Shares fresh;
  ASSERT_TRUE(hold(site.custodian(), request(CeremonyKind::reshare), site.shares(), &fresh));
  site.hardware().boot = 2;
  ASSERT_EQ(site.restart().state(), State::locked);
  const auto refused = hold(site.custodian(), restore_from(old_file), site.shares());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("takes those of generation 2"), std::string::npos)
      << refused.error().text;
  site.custodian().abort_ceremony();
  EXPECT_TRUE(hold(site.custodian(), request(CeremonyKind::restore), fresh));
}

TEST(Recovery, AnOlderCustodyFileAloneIsNoticed) {
  KeydSite site;
  site.provisioned();
  const Bytes older = read_bytes(site.custody());
  ASSERT_TRUE(hold(site.custodian(), request(CeremonyKind::reshare), site.shares()));
  const Bytes newest = read_bytes(site.custody());
  const Bytes file = read_bytes(site.recovery());
  write_bytes(site.custody(), older);
  ASSERT_EQ(site.restart().state(), State::locked);
  EXPECT_NE(site.custodian().status().reason.find("custody.bin is number 1"), std::string::npos)
      << site.custodian().status().reason;
  EXPECT_NE(site.custodian().status().reason.find("gims-keyd accept-older"), std::string::npos);
  EXPECT_EQ(read_bytes(site.recovery()), file) << "what is there of the newer one stays";
  write_bytes(site.custody(), newest);
  EXPECT_EQ(site.restart().state(), State::operational);
}

// ---- the issuing CA -----------------------------------------------------------------------------

TEST(Recovery, ANewIssuingCaLeavesTheOldOneGood) {
  KeydSite site;
  const Identity before = identity_of(site.provisioned());
  const Bytes old_ca = leaf_of(site.custodian())->chain[1];
  site.clock().advance(std::int64_t{1000} * 3600 * 24 * 365 * 4);
  const std::int64_t old_end = site.custodian().status().issuing_ca_end;
  const auto done = hold(site.custodian(), request(CeremonyKind::renew_ca), site.shares());
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(identity_of(site.custodian()), before);
  EXPECT_GT(site.custodian().status().issuing_ca_end, old_end);
  const auto leaf = leaf_of(site.custodian());
  ASSERT_TRUE(leaf);
  EXPECT_NE(leaf->chain[1], old_ca);
  const RecoveryRecord record = record_of(site.custodian());
  EXPECT_TRUE(record.revoked.empty());
  EXPECT_EQ(record.issued.size(), 2U);
  EXPECT_EQ(record.generation, 1U);
  EXPECT_EQ(site.restart().state(), State::operational);

  // A later restoration revokes both.
  KeydSite other;
  ASSERT_TRUE(
      hold(other.custodian(), restore_from(site.custodian().recovery_file()->file), site.shares()));
  EXPECT_EQ(record_of(other.custodian()).revoked.size(), 2U);
}

// ---- older copies -------------------------------------------------------------------------------

TEST(Recovery, TheQuorumAcceptsAnOlderCopy) {
  KeydSite site;
  const Identity before = identity_of(site.provisioned());
  ASSERT_TRUE(site.custodian().extend_audit({.sequence = 1, .hash = {1}}));
  const Bytes older = read_bytes(site.kept());
  ASSERT_TRUE(site.custodian().extend_audit({.sequence = 2, .hash = {2}}));
  site.clock().advance(601'000);
  site.custodian().tick();
  write_bytes(site.kept(), older);
  ASSERT_EQ(site.restart().state(), State::locked);
  EXPECT_EQ(code_of(hold(site.custodian(), request(CeremonyKind::accept), {site.shares()[0]})),
            "GIMS_KEYD_CEREMONY");
  EXPECT_EQ(site.custodian().state(), State::locked);
  site.custodian().abort_ceremony();
  const auto done = hold(site.custodian(), request(CeremonyKind::accept), site.shares());
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(identity_of(site.custodian()), before);
  // The log that is there is told anew: it may be one that ends earlier.
  EXPECT_EQ(site.custodian().audit_head(), AuditHead{});
  EXPECT_TRUE(site.custodian().extend_audit({.sequence = 1, .hash = {1}}));
  EXPECT_EQ(site.restart().state(), State::operational);
  // What was accepted is the newest; the one before that is an older copy as ever.
  write_bytes(site.kept(), older);
  EXPECT_EQ(site.restart().state(), State::locked);
}

TEST(Recovery, TheQuorumAcceptsAnOlderDatabaseAndALostStateFile) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().mark_store({.position = 100}));
  EXPECT_FALSE(site.custodian().mark_store({.position = 40}));
  ASSERT_EQ(site.custodian().state(), State::locked);
  ASSERT_TRUE(hold(site.custodian(), request(CeremonyKind::accept), site.shares()));
  EXPECT_TRUE(site.custodian().mark_store({.position = 40}));

  std::filesystem::remove(site.kept());
  ASSERT_EQ(site.restart().state(), State::locked);
  ASSERT_TRUE(hold(site.custodian(), request(CeremonyKind::accept), site.shares()));
  EXPECT_EQ(site.restart().state(), State::operational);
}

}  // namespace
}  // namespace gims::hsm
