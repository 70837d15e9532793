// Files that hold under their MAC and say what cannot be: of a later gims-keyd, or of another site.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "hsm/core/act_log.hpp"
#include "support/decided_site.hpp"
#include "support/recovery_site.hpp"

namespace gims::hsm {
namespace {

using test::DecidedSite;
using test::KeydSite;

SecretBytes root_key_of(const KeydSite& site) {
  const auto record = decode_custody(test::read_bytes(site.custody()));
  return std::move(site.vault()->open(record->vault_blob)->root_key);
}
// custody.bin as whoever has the root key can write it.
template <class Change>
void rewrite_custody(const KeydSite& site, Change change) {
  CustodyRecord record = *decode_custody(test::read_bytes(site.custody()));
  change(record);
  test::write_bytes(site.custody(), *encode_custody(record, root_key_of(site)));
}

TEST(CustodyContents, ActsOfALaterVersionAreToldAsAnAct) {
  DecidedSite site;
  site.propose({.action = Action::zeroize, .body = {0}});
  const SecretBytes root_key = root_key_of(site);
  Bytes file = *encode_acts_file(site.custodian().acts({}), root_key);
  ASSERT_TRUE(decode_acts_file(file, root_key));
  constexpr std::size_t version = 9;  // behind eight letters; its lower byte
  ++file[version];
  file.resize(file.size() - mac_size);
  append_mac(*derive(root_key, Purpose::acts_file), file);
  const auto refused = decode_acts_file(file, root_key);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(refused.error().code, "GIMS_KEYD_CUSTODY");
  EXPECT_EQ(refused.error().text, "It is of a version that this gims-keyd does not know.");

  test::write_bytes(site.state() / "acts.bin", file);
  ASSERT_EQ(site.restart().state(), State::operational);
  const ActsReply told = site.custodian().acts({});
  ASSERT_EQ(told.acts.size(), 1U);
  EXPECT_EQ(told.acts[0].act, "keyd.acts_damaged");
}

TEST(CustodyContents, ADamagedListOfAdministratorsLocks) {
  DecidedSite site;
  const Bytes whole = test::read_bytes(site.custody());
  rewrite_custody(site, [](CustodyRecord& record) { record.administrators = {0xff}; });
  ASSERT_EQ(site.restart().state(), State::locked);
  EXPECT_NE(site.custodian().status().reason.find("The list of administrators in it is damaged."),
            std::string::npos)
      << site.custodian().status().reason;
  test::write_bytes(site.custody(), whole);
  EXPECT_TRUE(site.custodian().unlock());
}

TEST(CustodyContents, ARecoveryFileOfAnotherSitesKeysEndsNoCeremony) {
  DecidedSite site;
  DecidedSite other;
  const Bytes recovery = test::read_bytes(other.recovery());
  rewrite_custody(site, [&](CustodyRecord& record) { record.recovery = recovery; });
  ASSERT_EQ(site.restart().state(), State::operational) << site.custodian().status().reason;
  const Bytes before = test::read_bytes(site.custody());
  for (const CeremonyKind kind :
       {CeremonyKind::reshare, CeremonyKind::renew_ca, CeremonyKind::administrators}) {
    const auto refused = test::hold(site.custodian(), test::request(kind), other.shares());
    ASSERT_FALSE(refused) << name_of(kind);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(refused.error().code, "GIMS_KEYD_CUSTODY");
    EXPECT_EQ(refused.error().text, "The recovery file is not of this site's keys.");
    site.custodian().abort_ceremony();
    EXPECT_EQ(test::read_bytes(site.custody()), before) << name_of(kind);
  }
}

TEST(CustodyContents, WithoutItNobodyIsAskedNorAccepted) {
  DecidedSite site;
  site.hardware().reachable = false;
  ASSERT_EQ(site.restart().state(), State::locked);
  std::filesystem::remove(site.custody());
  const auto proposed = site.custodian().propose({.action = Action::zeroize, .body = {0}});
  const auto accepted = site.custodian().begin_ceremony(test::request(CeremonyKind::accept));
  ASSERT_FALSE(proposed);
  ASSERT_FALSE(accepted);
  for (const Error& error : {proposed.error(), accepted.error()}) {
    EXPECT_EQ(error.kind, ErrorKind::unavailable);
    EXPECT_EQ(error.code, "GIMS_KEYD_CUSTODY");
    EXPECT_TRUE(error.text.starts_with("custody.bin is missing")) << error.text;
  }
}

TEST(CustodyContents, AVaultThatNobodyOpensHasNoPersons) {
  const test::TempFolder folder;
  const test::ManualClock clock;
  const auto hardware = std::make_shared<test::FakeHardware>();
  Custodian custodian(*StateFolder::open(folder.path().string()),
                      std::make_unique<test::FakeVault>(hardware), clock, "test");
  custodian.start();
  ASSERT_TRUE(test::hold(custodian, test::provision_request(), {}));
  const auto persons = custodian.persons();
  ASSERT_FALSE(persons);
  EXPECT_EQ(persons.error().kind, ErrorKind::conflict);
  EXPECT_EQ(persons.error().code, "GIMS_KEYD_CUSTODY");
  EXPECT_EQ(persons.error().text, "Nobody can be needed to open this vault.");
}

}  // namespace
}  // namespace gims::hsm
