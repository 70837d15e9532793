#include <gtest/gtest.h>

#include "hsm/ca/statement.hpp"
#include "support/keyd_site.hpp"

namespace gims::hsm {
namespace {

using test::KeydSite;

constexpr AttestNonce nonce{4, 3, 2};

// What the vault of tests states: a letter, and what it was asked to state it about.
Bytes stated(char what, BytesView about) {
  Bytes attest{static_cast<std::uint8_t>(what)};
  attest.insert(attest.end(), about.begin(), about.end());
  return attest;
}

TEST(CustodianAttests, WithEachStatementAboutTheNonce) {
  KeydSite site;
  const AuditHead head{.sequence = 3, .hash = {1}};
  ASSERT_TRUE(site.provisioned().extend_audit(head));
  const auto reply = site.custodian().attest({.nonce = nonce});
  ASSERT_TRUE(reply) << reply.error().text;
  EXPECT_EQ(reply->attestation_key, Bytes{1});
  EXPECT_EQ(reply->endorsement_key, Bytes{2});
  EXPECT_EQ(reply->endorsement_certificate, Bytes{3});
  EXPECT_EQ(reply->quote.attest, stated('q', nonce));
  EXPECT_EQ(reply->audit_head, head);
  EXPECT_EQ(reply->counter.attest, stated('c', audit_statement(head, nonce)));
  EXPECT_EQ(reply->release.attest, stated('r', release_statement(nonce)));
  EXPECT_EQ(reply->pcrs[15][0], 7);
  EXPECT_EQ(reply->quote.signature[0], 5);
  EXPECT_EQ(reply->quote.signature[32], 6);
}

TEST(CustodianAttests, AskingForItsIdentityOnce) {
  KeydSite site;
  site.provisioned();
  ASSERT_TRUE(site.custodian().attest({.nonce = nonce}));
  ASSERT_TRUE(site.custodian().attest({.nonce = nonce}));
  ASSERT_TRUE(site.custodian().certify_audit());
  EXPECT_EQ(site.hardware().identities, 1);
}

TEST(CustodianAttests, TheAuditHeadForKeepingWithoutANonce) {
  KeydSite site;
  const AuditHead head{.sequence = 3, .hash = {1}};
  ASSERT_TRUE(site.provisioned().extend_audit(head));
  const auto certificate = site.custodian().certify_audit();
  ASSERT_TRUE(certificate) << certificate.error().text;
  EXPECT_EQ(certificate->head, head);
  EXPECT_EQ(certificate->attestation_key, Bytes{1});
  EXPECT_EQ(certificate->counter.attest, stated('c', audit_statement(head, {})));
  EXPECT_NE(audit_statement(head, {}), audit_statement({.sequence = 4, .hash = {1}}, {}));
  EXPECT_NE(audit_statement(head, {}), audit_statement({.sequence = 3, .hash = {2}}, {}));
}

TEST(CustodianAttests, NothingWithHardwareThatStatesNothing) {
  KeydSite site;
  site.hardware().attests = false;
  site.provisioned();
  for (const auto& code : {site.custodian().attest({.nonce = nonce}).error().code,
                           site.custodian().certify_audit().error().code,
                           site.custodian().activate({}).error().code}) {
    EXPECT_EQ(code, "GIMS_KEYD_CUSTODY");
  }
}

TEST(CustodianAttests, HardwareThatIsAwayOrStatesTooLittleIsTold) {
  KeydSite site;
  site.provisioned();
  site.hardware().pcrs = 15;
  EXPECT_EQ(site.custodian().attest({.nonce = nonce}).error().code, "GIMS_KEYD_CUSTODY");
  site.hardware().reachable = false;
  EXPECT_EQ(site.custodian().attest({.nonce = nonce}).error().code, away_code);
  EXPECT_EQ(site.custodian().state(), State::operational);
}

TEST(CustodianAttests, ACredentialIsOpenedByTheHardware) {
  KeydSite site;
  site.provisioned();
  const auto opened = site.custodian().activate({.credential = {1, 2}, .encrypted_secret = {3}});
  ASSERT_TRUE(opened);
  EXPECT_EQ(Bytes(opened->bytes().begin(), opened->bytes().end()), (Bytes{1, 2, 3}));
  const auto large =
      site.custodian().activate({.credential = Bytes(max_activated), .encrypted_secret = Bytes(1)});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, "GIMS_KEYD_REQUEST");
}

TEST(EventLogsOfTheStart, AreGivenInPartsAsTheyAreNow) {
  const test::TempFolder folder;
  const std::string firmware = folder.file("firmware");
  const std::string userspace = folder.file("userspace");
  Bytes content(max_event_log_part + 10, 1);
  content.back() = 2;
  test::write_bytes(firmware, content);
  test::write_bytes(userspace, Bytes{7});
  const EventLogs logs = EventLogs::open(firmware, userspace);

  const auto first = logs.read({.log = EventLog::firmware, .offset = 0});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->part, Bytes(max_event_log_part, 1));
  const auto rest = logs.read({.log = EventLog::firmware, .offset = max_event_log_part});
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->part.size(), 10U);
  EXPECT_EQ(rest->part.back(), 2);
  EXPECT_EQ(logs.read({.log = EventLog::userspace, .offset = 0})->part, Bytes{7});
  // It grew.
  std::ofstream(userspace, std::ios::app) << "8";
  EXPECT_EQ(logs.read({.log = EventLog::userspace, .offset = 0})->part, (Bytes{7, '8'}));
  EXPECT_TRUE(logs.read({.log = EventLog::userspace, .offset = 2})->part.empty());
}

TEST(EventLogsOfTheStart, ThatCannotBeReadCountAsNone) {
  log::set_level(static_cast<log::Level>(0));
  const test::TempFolder folder;
  const EventLogs logs = EventLogs::open(folder.file("nothing"), folder.path().string());
  EXPECT_TRUE(logs.read({.log = EventLog::firmware, .offset = 0})->part.empty());
  EXPECT_TRUE(logs.read({.log = EventLog::userspace, .offset = 0})->part.empty());
  EXPECT_TRUE(EventLogs().read({})->part.empty());
}

TEST(EventLogsOfTheStart, ThatBreakWhileTheyAreReadAreTold) {
  // A file like any other to open, and its first page is never there to read.
  const EventLogs logs = EventLogs::open("/proc/self/mem", "");
  const auto broken = logs.read({.log = EventLog::firmware, .offset = 0});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(broken.error().code, "GIMS_KEYD_STORAGE");
  EXPECT_EQ(broken.error().text, "A log of what was measured cannot be read.");
  EXPECT_TRUE(logs.read({.log = EventLog::userspace, .offset = 0})->part.empty());
}

}  // namespace
}  // namespace gims::hsm
