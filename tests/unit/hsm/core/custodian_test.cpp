#include "hsm/core/custodian.hpp"

#include <gtest/gtest.h>
#include <sodium.h>

#include "hsm/ca/certificate.hpp"
#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

using test::KeydSite;
using test::provision_request;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

Bytes plain(const SecretBytes& secret) { return {secret.bytes().begin(), secret.bytes().end()}; }

// All the keys that other daemons get, to compare two runs.
std::vector<Bytes> keys_of(const Custodian& custodian) {
  const auto keys = custodian.data_keys();
  EXPECT_TRUE(keys);
  std::vector<Bytes> all;
  for (const SecretBytes* key :
       {&keys->data, &keys->media, &keys->token_hash, &keys->audit, &keys->backup, &keys->pepper}) {
    all.push_back(plain(*key));
  }
  const auto& server = custodian.server_key();
  all.emplace_back(server.public_key.begin(), server.public_key.end());
  all.push_back(bytes_of(server.key_id));
  all.push_back(custodian.site_root().certificate);
  return all;
}

LeafRequest leaf_request() {
  return {.public_key = spki_of(generate_p256()->public_key), .lifetime_seconds = 3600};
}

TEST(Custodian, StartsUnprovisionedAndBecomesOperational) {
  KeydSite site;
  EXPECT_EQ(site.custodian().state(), State::unprovisioned);
  EXPECT_TRUE(site.custodian().status().server_name.empty());
  const Custodian& custodian = site.provisioned();
  EXPECT_EQ(custodian.state(), State::operational);
  site.clock().advance(61'000);
  const StatusReply status = custodian.status();
  EXPECT_EQ(status.server_name, "gims.internal");
  EXPECT_EQ(status.organisation, "Joint Secretariat");
  EXPECT_EQ(status.custody, "fake");
  EXPECT_EQ(status.version, "test");
  EXPECT_EQ(status.uptime_seconds, 61U);
  EXPECT_TRUE(status.reason.empty());
}

TEST(Custodian, ARestartFindsTheSameKeys) {
  KeydSite site;
  const auto before = keys_of(site.provisioned());
  EXPECT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(keys_of(site.custodian()), before);
}

TEST(Custodian, TheHardwareTakesPasswordsOfTheSitesOwnOnceTheFilesAreThere) {
  KeydSite site;
  EXPECT_TRUE(site.hardware().password.empty());
  site.provisioned();
  const Bytes password = plain(site.hardware().password);
  EXPECT_EQ(password.size(), key_size);
  // A start that was cut off before is made up for.
  site.hardware().password = SecretBytes();
  EXPECT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(plain(site.hardware().password), password);
  ASSERT_TRUE(site.custodian().zeroize({}));
  EXPECT_TRUE(site.hardware().password.empty());
}

TEST(Custodian, TwoSitesShareNoKey) {
  KeydSite one;
  KeydSite two;
  const auto a = keys_of(one.provisioned());
  const auto b = keys_of(two.provisioned());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NE(a[i], b[i]) << i;
}

TEST(Custodian, ABadSiteChangesNothing) {
  KeydSite site;
  CeremonyRequest request = provision_request();
  request.site.server_name = "Not a name";
  const auto refused = site.provision(std::move(request));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_REQUEST");
  EXPECT_EQ(site.custodian().state(), State::unprovisioned);
  EXPECT_TRUE(site.hardware().seal.empty());
}

TEST(Custodian, ARootKeyIsTakenForASoftwareTpmAlone) {
  KeydSite site;
  const SecretBytes given = *SecretBytes::copy_of(Bytes(key_size, 0x42));
  const auto request_with = [](SecretBytes CeremonyRequest::* member, const SecretBytes& key) {
    CeremonyRequest request = provision_request();
    request.*member = *key.clone();
    return request;
  };
  site.hardware().software = false;
  for (const auto member :
       {&CeremonyRequest::dev_root_key, &CeremonyRequest::dev_recovery_secret}) {
    const auto refused = site.provision(request_with(member, given));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::forbidden);
  }
  EXPECT_EQ(site.custodian().state(), State::unprovisioned);
  EXPECT_TRUE(site.hardware().seal.empty());

  site.hardware().software = true;
  ASSERT_TRUE(site.provision(request_with(&CeremonyRequest::dev_root_key, given)));
  const auto keys = site.custodian().data_keys();
  ASSERT_TRUE(keys);
  EXPECT_EQ(plain(keys->data), plain(*derive(given, Purpose::data)));
}

TEST(Custodian, AProvisioningThatFailsLeavesTheHardwareEmpty) {
  KeydSite site;
  // A folder in the way of the file.
  std::filesystem::create_directory(site.custody());
  const auto failed = site.provision(provision_request());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "GIMS_KEYD_STORAGE");
  EXPECT_TRUE(site.hardware().seal.empty());
}

TEST(Custodian, OneBitChangedInAFileLocks) {
  KeydSite site;
  site.provisioned();
  for (const auto& path : {site.custody(), site.kept()}) {
    const Bytes whole = test::read_bytes(path);
    ASSERT_FALSE(whole.empty());
    for (std::size_t at = 0; at < whole.size(); ++at) {
      Bytes changed = whole;
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << (at % 8)));
      test::write_bytes(path, changed);
      ASSERT_EQ(site.restart().state(), State::locked) << path << " byte " << at;
      EXPECT_FALSE(site.custodian().status().reason.empty());
      EXPECT_TRUE(site.custodian().status().server_name.empty());
    }
    test::write_bytes(path, whole);
    ASSERT_EQ(site.restart().state(), State::operational);
  }
}

TEST(Custodian, ACutFileLocks) {
  KeydSite site;
  site.provisioned();
  for (const auto& path : {site.custody(), site.kept()}) {
    const Bytes whole = test::read_bytes(path);
    for (std::size_t size = 0; size < whole.size(); size += 17) {
      test::write_bytes(path, BytesView(whole).first(size));
      ASSERT_EQ(site.restart().state(), State::locked) << path << " at " << size;
    }
    test::write_bytes(path, whole);
  }
  std::filesystem::remove(site.kept());
  EXPECT_EQ(site.restart().state(), State::locked);
  EXPECT_NE(site.custodian().status().reason.find("state.bin is missing"), std::string::npos);
}

TEST(Custodian, FilesOfAnotherSiteLock) {
  KeydSite one;
  KeydSite two;
  one.provisioned();
  two.provisioned();
  const Bytes own = test::read_bytes(one.kept());
  test::write_bytes(one.kept(), test::read_bytes(two.kept()));
  EXPECT_EQ(one.restart().state(), State::locked);
  test::write_bytes(one.kept(), own);
  test::write_bytes(one.custody(), test::read_bytes(two.custody()));
  EXPECT_EQ(one.restart().state(), State::locked);
}

TEST(Custodian, UnlocksOnceWhatWasInTheWayIsGone) {
  KeydSite site;
  const auto before = keys_of(site.provisioned());
  site.hardware().reachable = false;
  Custodian& custodian = site.restart();
  EXPECT_EQ(custodian.state(), State::locked);
  EXPECT_EQ(custodian.status().reason, "the hardware cannot be reached");
  const auto still = custodian.unlock();
  ASSERT_FALSE(still);
  EXPECT_EQ(still.error().text, "the hardware cannot be reached");
  site.hardware().reachable = true;
  EXPECT_TRUE(custodian.unlock());
  EXPECT_EQ(custodian.state(), State::operational);
  EXPECT_EQ(keys_of(custodian), before);
}

TEST(Custodian, ZeroizingLeavesNothingAndASiteCanBeMadeAnew) {
  KeydSite site;
  const auto before = keys_of(site.provisioned());
  const Bytes custody = test::read_bytes(site.custody());
  ASSERT_TRUE(site.custodian().zeroize({}));
  EXPECT_EQ(site.custodian().state(), State::zeroized);
  EXPECT_FALSE(std::filesystem::exists(site.custody()));
  EXPECT_FALSE(std::filesystem::exists(site.kept()));
  EXPECT_EQ(site.restart().state(), State::zeroized);

  // A copy of the file is worth nothing, and goes the way of the first.
  test::write_bytes(site.custody(), custody);
  EXPECT_EQ(site.restart().state(), State::zeroized);
  EXPECT_FALSE(std::filesystem::exists(site.custody()));

  CeremonyRequest anew = provision_request();
  anew.replace = true;
  ASSERT_TRUE(site.provision(std::move(anew)));
  EXPECT_NE(keys_of(site.custodian()), before);
  EXPECT_EQ(site.restart().state(), State::operational);
}

TEST(Custodian, ZeroizingSaysThatTheKeysAreDestroyedWhereTheyAre) {
  KeydSite site;
  site.provisioned();
  const auto done = site.custodian().zeroize({});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done->doubt, "");
  EXPECT_EQ(site.custodian().status().reason, "");
  EXPECT_TRUE(site.hardware().seal.empty());
}

TEST(Custodian, ZeroizingWithOtherHardwareIsRefusedAndDestroysNothing) {
  KeydSite site;
  const auto before = keys_of(site.provisioned());
  site.hardware().name = 2;
  // The same in both states: with the keys open, and after a start that found the other hardware.
  for (const bool anew : {false, true}) {
    if (anew) {
      ASSERT_EQ(site.restart().state(), State::locked);
    }
    const auto refused = site.custodian().zeroize({});
    ASSERT_FALSE(refused) << anew;
    EXPECT_TRUE(refused.error().text.starts_with("this is other hardware")) << refused.error().text;
    EXPECT_FALSE(site.hardware().seal.empty()) << "the other site's keys";
  }
  site.hardware().name = 1;
  ASSERT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(keys_of(site.custodian()), before);
}

TEST(Custodian, RemovingTheFilesAloneSaysThatCopiesOpen) {
  KeydSite site;
  const auto before = keys_of(site.provisioned());
  const Bytes custody = test::read_bytes(site.custody());
  const Bytes audit = test::read_bytes(site.kept());
  site.hardware().name = 2;
  site.restart();
  const auto done = site.custodian().zeroize({.files_only = true});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_NE(done->doubt.find("Copies of the files can still be opened"), std::string::npos);
  EXPECT_FALSE(site.hardware().seal.empty()) << "the other site's keys";
  EXPECT_FALSE(std::filesystem::exists(site.custody()));
  EXPECT_FALSE(std::filesystem::exists(site.kept()));
  EXPECT_EQ(site.custodian().state(), State::zeroized);
  const std::string reason = site.custodian().status().reason;
  EXPECT_NE(reason.find("not proved"), std::string::npos) << reason;
  EXPECT_EQ(site.restart().state(), State::zeroized);
  EXPECT_EQ(site.custodian().status().reason, reason);

  // It is true.
  site.hardware().name = 1;
  test::write_bytes(site.custody(), custody);
  test::write_bytes(site.kept(), audit);
  ASSERT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(keys_of(site.custodian()), before);
}

TEST(Custodian, HardwareThatIsAwayIsRefusedToo) {
  KeydSite site;
  site.provisioned();
  site.hardware().reachable = false;
  site.restart();
  EXPECT_FALSE(site.custodian().zeroize({}));
  const auto done = site.custodian().zeroize({.files_only = true});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_TRUE(done->doubt.starts_with("the hardware cannot be reached")) << done->doubt;
  EXPECT_EQ(site.custodian().state(), State::zeroized);
}

TEST(Custodian, WhatIsNotInTheHardwareIsDestroyedOnlyWhereItIsMarkedSo) {
  KeydSite site;
  site.provisioned();
  site.hardware().seal = SecretBytes();
  const auto refused = site.custodian().zeroize({});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("does not hold"), std::string::npos) << refused.error().text;
  const auto done = site.custodian().zeroize({.files_only = true});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_NE(done->doubt, "");
}

TEST(Custodian, AFileThatDidNotOpenLeavesADoubt) {
  KeydSite site;
  site.provisioned();
  Bytes changed = test::read_bytes(site.custody());
  changed.back() ^= 1U;  // of its MAC
  test::write_bytes(site.custody(), changed);
  site.restart();
  const auto done = site.custodian().zeroize({});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_NE(done->doubt.find("did not open"), std::string::npos) << done->doubt;
  EXPECT_TRUE(site.hardware().seal.empty());
}

TEST(Custodian, AFileThatNamesNoHardwareIsRemovedOnlyAlone) {
  KeydSite site;
  site.provisioned();
  test::write_bytes(site.custody(), Bytes{1, 2, 3});
  site.restart();
  EXPECT_FALSE(site.custodian().zeroize({}));
  const auto done = site.custodian().zeroize({.files_only = true});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_NE(done->doubt, "");
  EXPECT_FALSE(std::filesystem::exists(site.custody()));
}

TEST(Custodian, AZeroizingThatWasInterruptedIsFinished) {
  KeydSite site;
  site.provisioned();
  // A folder that is not empty, in the place of state.bin: it can be read by nobody and not
  // removed.
  std::filesystem::remove(site.kept());
  std::filesystem::create_directories(site.kept() / "in the way");
  EXPECT_FALSE(site.custodian().zeroize({}));
  EXPECT_EQ(site.custodian().state(), State::locked);
  EXPECT_EQ(site.custodian().next_try(), std::nullopt);
  std::filesystem::remove_all(site.kept());
  const auto done = site.custodian().zeroize({});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done->doubt, "");
  EXPECT_EQ(site.custodian().state(), State::zeroized);
}

TEST(Custodian, HardwareThatWasAwayIsTriedAgainLessAndLessOften) {
  KeydSite site;
  site.provisioned();
  site.hardware().reachable = false;
  Custodian& custodian = site.restart();
  for (const int seconds : {5, 10, 20, 40, 80, 160, 300, 300}) {
    ASSERT_EQ(custodian.next_try(), std::chrono::seconds(seconds));
    site.clock().advance(1000 * seconds - 1);
    site.hardware().reachable = true;
    custodian.tick();
    ASSERT_EQ(custodian.state(), State::locked) << "before its time";
    site.hardware().reachable = false;
    site.clock().advance(1);
    custodian.tick();
    ASSERT_EQ(custodian.state(), State::locked);
  }
  site.hardware().reachable = true;
  site.clock().advance(300'000);
  custodian.tick();
  EXPECT_EQ(custodian.state(), State::operational);
  EXPECT_EQ(custodian.next_try(), std::nullopt);
  // And from the beginning.
  site.hardware().reachable = false;
  EXPECT_EQ(site.restart().next_try(), std::chrono::seconds(5));
}

TEST(Custodian, WhatIsWrongIsNotTriedAgain) {
  KeydSite site;
  site.provisioned();
  site.hardware().name = 2;
  EXPECT_EQ(site.restart().next_try(), std::nullopt);
  site.hardware().name = 1;
  std::filesystem::remove(site.kept());
  Custodian& custodian = site.restart();
  EXPECT_EQ(custodian.state(), State::locked);
  EXPECT_EQ(custodian.next_try(), std::nullopt);
}

TEST(Custodian, ZeroizingThatTheHardwareRefusesChangesNothing) {
  KeydSite site;
  const auto before = keys_of(site.provisioned());
  site.hardware().reachable = false;
  EXPECT_FALSE(site.custodian().zeroize({}));
  EXPECT_EQ(site.custodian().state(), State::operational);
  site.hardware().reachable = true;
  EXPECT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(keys_of(site.custodian()), before);
}

TEST(Custodian, ALeafComesWithItsIssuerAndItsTimes) {
  KeydSite site;
  Custodian& custodian = site.provisioned();
  const auto leaf = custodian.sign_leaf(leaf_request());
  ASSERT_TRUE(leaf) << leaf.error().text;
  EXPECT_EQ(leaf->chain.size(), 2U);
  const std::int64_t now = site.clock().now_ms() / 1000;
  EXPECT_EQ(leaf->not_before, now - 300);
  EXPECT_EQ(leaf->not_after, now + 3600);
  EXPECT_EQ(site.hardware().signatures, 1);
  const auto again = custodian.sign_leaf(leaf_request());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->chain[1], leaf->chain[1]);
  EXPECT_NE(again->chain[0], leaf->chain[0]);
}

TEST(Custodian, ALeafHasItsBounds) {
  KeydSite site;
  Custodian& custodian = site.provisioned();
  for (const std::uint32_t lifetime : {0U, 59U, 86'401U, 0xffffffffU}) {
    LeafRequest request = leaf_request();
    request.lifetime_seconds = lifetime;
    const auto refused = custodian.sign_leaf(request);
    ASSERT_FALSE(refused) << lifetime;
    EXPECT_EQ(refused.error().code, "GIMS_KEYD_REQUEST");
  }
  for (const std::uint32_t lifetime : {60U, 86'400U}) {
    LeafRequest request = leaf_request();
    request.lifetime_seconds = lifetime;
    EXPECT_TRUE(custodian.sign_leaf(request)) << lifetime;
  }
  LeafRequest no_key = leaf_request();
  no_key.public_key.pop_back();
  EXPECT_FALSE(custodian.sign_leaf(no_key));
  site.hardware().reachable = false;
  const auto refused = custodian.sign_leaf(leaf_request());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_AWAY");
  EXPECT_EQ(custodian.state(), State::operational);
}

TEST(Custodian, ALeafEndsWithItsIssuingCaAtTheLatest) {
  KeydSite site;
  Custodian& custodian = site.provisioned();
  const std::int64_t end = site.clock().now_ms() / 1000 + issuing_lifetime;
  EXPECT_EQ(custodian.status().issuing_ca_end, end);
  EXPECT_EQ(custodian.summary(), "operational");

  // From 90 days before its end it is told.
  site.clock().advance(1000 * (issuing_lifetime - issuing_end_warning) - 1000);
  EXPECT_EQ(custodian.summary(), "operational");
  site.clock().advance(1000);
  EXPECT_EQ(custodian.summary(), "operational; the issuing CA ends on 2028-11-12");

  site.clock().advance(1000 * (issuing_end_warning - 1800));
  const auto last = custodian.sign_leaf(leaf_request());
  ASSERT_TRUE(last) << last.error().text;
  EXPECT_EQ(last->not_after, end);
  EXPECT_EQ(end_of(last->chain[0]).value_or(0), end);
  EXPECT_EQ(end_of(last->chain[1]).value_or(0), end);

  site.clock().advance(1000 * 1741);
  const auto refused = custodian.sign_leaf(leaf_request());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_CUSTODY");
  EXPECT_TRUE(refused.error().text.starts_with("The issuing CA ends on 2028-11-12"))
      << refused.error().text;
  EXPECT_EQ(custodian.state(), State::operational) << "messages go on";
}

TEST(Custodian, SignsObjectsForTheServer) {
  KeydSite site;
  const Custodian& custodian = site.provisioned();
  const Bytes one = bytes_of(R"({"a":1})");
  const Bytes two = bytes_of("{}");
  const std::vector<BytesView> events{one, two};
  const auto signatures = custodian.sign_events(events);
  ASSERT_TRUE(signatures);
  ASSERT_EQ(signatures->size(), 2U);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(
        crypto_sign_verify_detached((*signatures)[i].data(), events[i].data(), events[i].size(),
                                    custodian.server_key().public_key.data()),
        0);
  }
  for (const char* no_object : {"", "{", "[]", "\"a\"", "{} ", "x{}"}) {
    const Bytes bytes = bytes_of(no_object);
    const std::vector<BytesView> other{bytes};
    EXPECT_FALSE(custodian.sign_events(other)) << no_object;
  }
}

TEST(Custodian, TheAuditHeadOnlyGoesForward) {
  KeydSite site;
  Custodian& custodian = site.provisioned();
  EXPECT_EQ(custodian.audit_head(), AuditHead{});
  const AuditHead third{.sequence = 3, .hash = {3}};
  EXPECT_TRUE(custodian.extend_audit(third));
  EXPECT_TRUE(custodian.extend_audit(third)) << "the same again";
  for (const AuditHead& wrong : {AuditHead{.sequence = 2, .hash = {2}},
                                 AuditHead{.sequence = 3, .hash = {4}}, AuditHead{}}) {
    const auto refused = custodian.extend_audit(wrong);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "GIMS_KEYD_AUDIT");
    EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  }
  EXPECT_EQ(custodian.audit_head(), third);
  EXPECT_EQ(site.restart().audit_head(), third);
  EXPECT_FALSE(site.custodian().extend_audit({.sequence = 1, .hash = {1}}));
  EXPECT_TRUE(site.custodian().extend_audit({.sequence = 9, .hash = {9}}));
  EXPECT_EQ(site.restart().audit_head().sequence, 9U);
}

TEST(Custodian, AnAuditHeadThatCannotBeWrittenIsNotTaken) {
  KeydSite site;
  Custodian& custodian = site.provisioned();
  std::filesystem::remove(site.kept());
  std::filesystem::create_directory(site.kept());
  const auto failed = custodian.extend_audit({.sequence = 1, .hash = {1}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "GIMS_KEYD_STORAGE");
  EXPECT_EQ(custodian.audit_head().sequence, 0U);
}

}  // namespace
}  // namespace gims::hsm
