// A site that opens only when a person is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "hsm/core/attended_blob.hpp"
#include "hsm/core/custodian.hpp"
#include "support/decided_site.hpp"

namespace gims::hsm {
namespace {

using test::DecidedSite;

// By two administrators.
Result<> add_person(DecidedSite& site, AddPersonRequest request) {
  const std::string& name = request.person.name;
  request.approval =
      site.approved({.action = Action::add_person, .body = {name.begin(), name.end()}});
  return site.custodian().add_person(std::move(request));
}
bool remove_person(DecidedSite& site, std::string_view name) {
  return site.decide({.action = Action::remove_person, .body = {name.begin(), name.end()}})
      .starts_with("Removed: ");
}

AddPersonRequest new_person(std::string name, std::uint8_t byte) {
  return {
      .approval = 0,
      .person = {.name = std::move(name), .kind = FactorKind::passphrase, .parameters = {7, byte}},
      .key = *SecretBytes::copy_of(Bytes(key_size, byte))};
}

PersonKey key_of(std::string name, std::uint8_t byte) {
  return {.name = std::move(name), .key = *SecretBytes::copy_of(Bytes(key_size, byte))};
}

TEST(CustodianAttendance, WaitsForAPersonAfterARestart) {
  DecidedSite site;
  Custodian& before = site.custodian();
  EXPECT_TRUE(before.persons()->persons.empty());
  const auto server_key = before.server_key().public_key;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  EXPECT_EQ(before.state(), State::operational) << "it goes on";

  Custodian& custodian = site.restart();
  EXPECT_EQ(custodian.state(), State::locked);
  EXPECT_NE(custodian.status().reason.find("waits for a person"), std::string::npos);
  EXPECT_EQ(custodian.next_try(), std::nullopt) << "nobody comes by waiting alone";
  const auto persons = custodian.persons();
  ASSERT_TRUE(persons) << persons.error().text;
  ASSERT_EQ(persons->persons.size(), 1U);
  EXPECT_EQ(persons->persons[0], new_person("ritu", 1).person);

  EXPECT_FALSE(custodian.unlock());
  EXPECT_FALSE(custodian.unlock_with(key_of("ritu", 2)));
  EXPECT_NE(custodian.status().reason.find("not opened by ritu"), std::string::npos);
  EXPECT_FALSE(custodian.unlock_with(key_of("arjun", 1)));
  EXPECT_EQ(custodian.state(), State::locked);
  const auto unlocked = custodian.unlock_with(key_of("ritu", 1));
  ASSERT_TRUE(unlocked) << unlocked.error().text;
  EXPECT_EQ(custodian.state(), State::operational);
  EXPECT_EQ(custodian.server_key().public_key, server_key);
  EXPECT_TRUE(custodian.status().reason.empty());
}

TEST(CustodianAttendance, PersonsComeAndGo) {
  DecidedSite site;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  EXPECT_FALSE(add_person(site, new_person("ritu", 2)));
  EXPECT_FALSE(remove_person(site, "ritu")) << "the last one";
  ASSERT_TRUE(add_person(site, new_person("arjun", 2)));
  ASSERT_TRUE(remove_person(site, "ritu"));
  EXPECT_EQ(site.custodian().persons()->persons.size(), 1U);
  site.restart();
  EXPECT_FALSE(site.custodian().unlock_with(key_of("ritu", 1)));
  EXPECT_TRUE(site.custodian().unlock_with(key_of("arjun", 2)));
  // Who opened it can name others.
  ASSERT_TRUE(add_person(site, new_person("meera", 3)));
  site.restart();
  EXPECT_TRUE(site.custodian().unlock_with(key_of("meera", 3)));
}

TEST(CustodianAttendance, NobodyComesOrGoesWithoutTwoAdministrators) {
  DecidedSite site;
  const ProposeRequest ritu{.action = Action::add_person, .body = test::bytes_of("ritu")};
  const auto add = [&](std::string name, std::uint32_t approval) {
    AddPersonRequest request = new_person(std::move(name), 1);
    request.approval = approval;
    const auto added = site.custodian().add_person(std::move(request));
    return added ? "" : added.error().code;
  };
  EXPECT_EQ(add("ritu", 0), "GIMS_KEYD_APPROVAL");
  const ProposalReply proposal = site.propose(ritu);
  EXPECT_EQ(proposal.text, "let ritu open the keys after a start");
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  EXPECT_EQ(add("ritu", proposal.id), "GIMS_KEYD_APPROVAL");
  EXPECT_NE(site.approve(proposal, test::bimal()).find("person add \"ritu\" --approval"),
            std::string::npos);
  EXPECT_EQ(add("arjun", proposal.id), "GIMS_KEYD_APPROVAL") << "they decided about ritu";
  EXPECT_EQ(site.custodian()
                .redeem({.id = proposal.id, .action = ritu.action, .body = ritu.body})
                .error()
                .code,
            "GIMS_KEYD_APPROVAL")
      << "it is not gimsd's";
  EXPECT_EQ(add("ritu", proposal.id), "");
  EXPECT_EQ(add("ritu", proposal.id), "GIMS_KEYD_APPROVAL") << "once";
  EXPECT_EQ(site.custodian().persons()->persons.size(), 1U);

  // The name that is asked for is part of what is decided; nothing else can be a name.
  for (const Bytes& name : {Bytes(), Bytes(max_person_name + 1, 'a'), test::bytes_of("a\nb"),
                            test::bytes_of("a\xc2\x85"), test::bytes_of("\xff")}) {
    for (const Action action : {Action::add_person, Action::remove_person}) {
      EXPECT_FALSE(site.custodian().propose({.action = action, .body = name}));
    }
  }
  std::vector<std::string> told;
  for (const Act& act : site.custodian().acts({}).acts) told.push_back(act.act + " " + act.target);
  const std::string target = "person-add " + std::to_string(proposal.id);
  EXPECT_EQ(told,
            (std::vector<std::string>{"approval.proposed " + target, "approval.given " + target,
                                      "approval.given " + target, "approval.done " + target}));
}

TEST(CustodianAttendance, AChangeThatIsNotWrittenHasNotHappened) {
  DecidedSite site;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  // A folder in the way of the new file.
  std::filesystem::rename(site.custody(), site / "kept");
  std::filesystem::create_directory(site.custody());
  ASSERT_FALSE(add_person(site, new_person("arjun", 2)));
  EXPECT_EQ(site.custodian().persons()->persons.size(), 1U);
  std::filesystem::remove(site.custody());
  std::filesystem::rename(site / "kept", site.custody());
  site.restart();
  EXPECT_FALSE(site.custodian().unlock_with(key_of("arjun", 2)));
  ASSERT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
  EXPECT_TRUE(add_person(site, new_person("arjun", 2)));
}

TEST(CustodianAttendance, HardwareThatComesBackStillWaitsForAPerson) {
  DecidedSite site;
  site.hardware().removable = true;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  site.hardware().reachable = false;
  site.clock().advance(site.custodian().next_try()->count());
  site.custodian().tick();
  EXPECT_EQ(site.custodian().state(), State::locked);
  site.hardware().reachable = true;
  site.clock().advance(site.custodian().next_try()->count());
  site.custodian().tick();
  EXPECT_EQ(site.custodian().state(), State::locked);
  EXPECT_NE(site.custodian().status().reason.find("waits for a person"), std::string::npos);
  EXPECT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
}

TEST(CustodianAttendance, AKeyThatIsGivenWhileTheHardwareIsAwayIsNotKept) {
  DecidedSite site;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  site.restart();
  site.hardware().reachable = false;
  EXPECT_FALSE(site.custodian().unlock_with(key_of("ritu", 1)));
  site.hardware().reachable = true;
  EXPECT_FALSE(site.custodian().unlock());
  EXPECT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
}

// Whether a wrong key is looked at, rather than refused for the pause alone.
bool wrong_key_is_tried(DecidedSite& site) {
  const int before = site.hardware().opened;
  const auto refused = site.custodian().unlock_with(key_of("ritu", 2));
  EXPECT_FALSE(refused);
  const bool tried = site.hardware().opened > before;
  EXPECT_EQ(refused.error().text.find("Too many wrong") == std::string::npos, tried);
  return tried;
}

TEST(CustodianAttendance, SeveralWrongKeysAreSlowed) {
  constexpr std::int64_t second = 1000;
  DecidedSite site;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  site.restart();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(wrong_key_is_tried(site));
  // Each wrong one that is tried doubles the pause; those refused for it do not.
  for (const std::int64_t pause : {60, 120, 240, 480, 900, 900}) {
    EXPECT_FALSE(wrong_key_is_tried(site));
    site.clock().advance(pause * second - 1);
    EXPECT_FALSE(wrong_key_is_tried(site)) << pause;
    EXPECT_FALSE(site.custodian().unlock_with(key_of("ritu", 1))) << "nor is the right one taken";
    site.clock().advance(1);
    EXPECT_TRUE(wrong_key_is_tried(site)) << pause;
  }
  site.clock().advance(900 * second);
  ASSERT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
}

TEST(CustodianAttendance, TheRightKeyEndsTheRowOfWrongOnes) {
  DecidedSite site;
  site.hardware().removable = true;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  site.restart();
  for (int time = 0; time < 3; ++time) {
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(wrong_key_is_tried(site));
    ASSERT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
    site.hardware().reachable = false;
    site.clock().advance(site.custodian().next_try()->count());
    site.custodian().tick();
    ASSERT_EQ(site.custodian().state(), State::locked);
    // Hardware that is away says nothing of the key.
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(site.custodian().unlock_with(key_of("ritu", 1)));
    site.hardware().reachable = true;
  }
  EXPECT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
}

CeremonyRequest ceremony(CeremonyKind kind) {
  CeremonyRequest request;
  request.kind = kind;
  request.replace = true;
  return request;
}

TEST(CustodianAttendance, ACeremonyAsksNobodyOnceMore) {
  DecidedSite site;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  const auto renewed =
      test::hold(site.custodian(), ceremony(CeremonyKind::renew_ca), site.shares());
  ASSERT_TRUE(renewed) << renewed.error().text;
  EXPECT_EQ(site.custodian().state(), State::operational) << site.custodian().status().reason;
  EXPECT_EQ(site.restart().state(), State::locked);
  EXPECT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
}

TEST(CustodianAttendance, NothingOfTheFileOpensWithoutAPersonThoughTheCaWasRenewedBefore) {
  DecidedSite site;
  const auto before = decode_custody(test::read_bytes(site.custody()));
  ASSERT_TRUE(before) << before.error().text;
  const auto unattended = decode_attended(before->vault_blob);
  ASSERT_TRUE(unattended) << unattended.error().text;
  const auto renewed =
      test::hold(site.custodian(), ceremony(CeremonyKind::renew_ca), site.shares());
  ASSERT_TRUE(renewed) << renewed.error().text;
  const auto holds_factor = [&] {
    const Bytes file = test::read_bytes(site.custody());
    return !std::ranges::search(file, unattended->factor.bytes()).empty();
  };
  EXPECT_TRUE(holds_factor()) << "nobody is named yet";
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  EXPECT_FALSE(holds_factor());
  site.restart();
  ASSERT_TRUE(site.custodian().unlock_with(key_of("ritu", 1)));
  const auto list = site.custodian().crl({.which = 2});
  EXPECT_TRUE(list) << "of the CA of before: " << list.error().text;
}

TEST(CustodianAttendance, AnOlderCopyIsForThePersonAndThenForTheQuorum) {
  DecidedSite site;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  site.restart();
  std::filesystem::remove(site.kept());
  EXPECT_FALSE(site.custodian().unlock_with(key_of("ritu", 1)));
  ASSERT_EQ(site.custodian().state(), State::locked);
  EXPECT_NE(site.custodian().status().reason.find("state.bin"), std::string::npos)
      << site.custodian().status().reason;
  const auto accepted = test::hold(site.custodian(), ceremony(CeremonyKind::accept), site.shares());
  ASSERT_TRUE(accepted) << accepted.error().text;
  EXPECT_EQ(site.custodian().state(), State::operational) << site.custodian().status().reason;
}

TEST(CustodianAttendance, TheQuorumRestoresASiteWhosePersonsForgot) {
  DecidedSite site;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  ASSERT_EQ(site.restart().state(), State::locked);
  const auto restored =
      test::hold(site.custodian(), ceremony(CeremonyKind::restore), site.shares());
  ASSERT_TRUE(restored) << restored.error().text;
  EXPECT_EQ(site.restart().state(), State::operational) << site.custodian().status().reason;
  EXPECT_TRUE(site.custodian().persons()->persons.empty());
}

TEST(CustodianAttendance, ZeroizingNeedsNoPerson) {
  DecidedSite site;
  ASSERT_TRUE(add_person(site, new_person("ritu", 1)));
  site.restart();
  const auto zeroized = site.custodian().zeroize({});
  ASSERT_TRUE(zeroized) << zeroized.error().text;
  EXPECT_EQ(site.custodian().state(), State::zeroized);
  EXPECT_TRUE(site.hardware().seal.empty());
}

}  // namespace
}  // namespace gims::hsm
