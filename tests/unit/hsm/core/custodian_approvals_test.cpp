// Two persons, as gims-keyd asks them.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "hsm/approval/action.hpp"
#include "support/decided_site.hpp"

namespace gims::hsm {
namespace {

using approval::Change;
using approval::KeyKind;
using approval::Role;
using test::DecidedSite;
using test::Signer;

constexpr Millis minute = 60'000;

std::string code_of(const auto& result) { return result ? "" : result.error().code; }

Bytes encoded(const Change& change) {
  Bytes room(max_action_body);
  Writer writer(room);
  encode(writer, change);
  return {writer.body().begin(), writer.body().end()};
}
ProposeRequest addition(const Signer& signer) {
  Change change;
  change.kind = Change::Kind::add;
  change.added = signer.about();
  return {.action = Action::administrators, .body = encoded(change)};
}
ProposeRequest removal(std::string name) {
  Change change;
  change.kind = Change::Kind::remove;
  change.name = std::move(name);
  return {.action = Action::administrators, .body = encoded(change)};
}
const ProposeRequest zeroize{.action = Action::zeroize, .body = {0}};
const ProposeRequest reset{.action = Action::identity_reset,
                           .body = test::bytes_of("@desk.officer:gims.internal")};

std::vector<std::string> acts_of(Custodian& custodian) {
  std::vector<std::string> told;
  for (const Act& act : custodian.acts({}).acts) told.push_back(act.act + " " + act.actor);
  return told;
}

TEST(KeydApprovals, ASiteBeginsWithTwoAtLeast) {
  test::KeydSite site;
  const Signer auditor("Deepa", KeyKind::key_ed25519, {Role::auditor});
  for (const auto& list :
       {Bytes(), test::list_of({&test::asha()}), test::list_of({&test::asha(), &auditor})}) {
    CeremonyRequest request = test::provision_request();
    request.administrators = list;
    EXPECT_FALSE(site.provision(std::move(request)));
    EXPECT_EQ(site.custodian().state(), State::unprovisioned);
  }
  EXPECT_EQ(site.provisioned().state(), State::operational);
  EXPECT_EQ(*approval::decode_registry(site.custodian().administrators()->list),
            *approval::decode_registry(test::provision_request().administrators));
}

TEST(KeydApprovals, TwoPersonsZeroizeAndOneDoesNot) {
  DecidedSite site;
  const ProposalReply proposal = site.propose(zeroize);
  EXPECT_EQ(proposal.text, "destroy all keys of this site for good");
  EXPECT_EQ(proposal.seconds_left, 600U);
  EXPECT_TRUE(proposal.approved_by.empty());
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  EXPECT_EQ(site.approve(proposal, test::asha()), "GIMS_KEYD_APPROVAL") << "she said so already";
  EXPECT_EQ(site.custodian().state(), State::operational);
  EXPECT_FALSE(site.hardware().seal.empty());
  EXPECT_EQ(site.custodian().proposals()->at(0).approved_by, std::vector<std::string>{"Asha"});
  EXPECT_EQ(site.approve(proposal, test::bimal()), "The keys are destroyed.");
  EXPECT_EQ(site.custodian().state(), State::zeroized);
  EXPECT_TRUE(site.hardware().seal.empty());
  EXPECT_FALSE(std::filesystem::exists(site.custody()));
}

TEST(KeydApprovals, WhatIsNotAYesCountsNothing) {
  DecidedSite site;
  const ProposalReply one = site.propose(zeroize);
  const ProposalReply other = site.propose(reset);
  EXPECT_NE(one.challenge, other.challenge);
  // For another proposal, of another person, by a stranger, of a person who is none, and damaged.
  ProposalReply mixed = one;
  mixed.challenge = other.challenge;
  EXPECT_EQ(site.approve(mixed, test::asha()), "GIMS_KEYD_APPROVAL");
  const Signer stranger("Asha", KeyKind::key_es256);
  EXPECT_EQ(site.approve(one, stranger), "GIMS_KEYD_APPROVAL");
  EXPECT_EQ(site.approve(one, Signer("Nobody", KeyKind::key_es256)), "GIMS_KEYD_APPROVAL");
  approval::Assertion changed = test::asha().approve(one.challenge);
  changed.signature.back() ^= 1U;
  Bytes assertion = test::encoded(changed);
  EXPECT_EQ(code_of(site.custodian().approve({.id = one.id, .assertion = assertion})),
            "GIMS_KEYD_APPROVAL");
  assertion.pop_back();
  EXPECT_EQ(code_of(site.custodian().approve({.id = one.id, .assertion = assertion})),
            "GIMS_KEYD_FRAME");
  EXPECT_TRUE(site.custodian().proposals()->at(0).approved_by.empty());
  EXPECT_EQ(site.custodian().state(), State::operational);
}

TEST(KeydApprovals, AProposalEndsAfterTenMinutesAndWithTheProcess) {
  DecidedSite site;
  ProposalReply proposal = site.propose(zeroize);
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  site.clock().advance(10 * minute);
  EXPECT_EQ(site.approve(proposal, test::bimal()), "GIMS_KEYD_APPROVAL");
  EXPECT_TRUE(site.custodian().proposals()->empty());

  proposal = site.propose(zeroize);
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  site.restart();
  EXPECT_EQ(site.approve(proposal, test::bimal()), "GIMS_KEYD_APPROVAL");
  // Nor does a yes of before count for the same asked again.
  const ProposalReply again = site.propose(zeroize);
  EXPECT_NE(again.challenge, proposal.challenge);
  ProposalReply replayed = again;
  replayed.challenge = proposal.challenge;
  EXPECT_EQ(site.approve(replayed, test::asha()), "GIMS_KEYD_APPROVAL");
  EXPECT_EQ(site.custodian().state(), State::operational);
}

TEST(KeydApprovals, AYesOfAnotherSiteIsNone) {
  DecidedSite one;
  DecidedSite other;
  const ProposalReply here = one.propose(zeroize);
  const ProposalReply there = other.propose(zeroize);
  ProposalReply mixed = here;
  mixed.challenge = there.challenge;
  EXPECT_EQ(one.approve(mixed, test::asha()), "GIMS_KEYD_APPROVAL");
}

TEST(KeydApprovals, ThereAreEightAtMostAndAWithdrawnOneMakesRoom) {
  DecidedSite site;
  std::uint32_t last = 0;
  for (std::size_t i = 0; i < max_proposals; ++i) last = site.propose(reset).id;
  EXPECT_EQ(code_of(site.custodian().propose(zeroize)), "GIMS_KEYD_APPROVAL");
  ASSERT_TRUE(site.custodian().withdraw({.id = last}));
  EXPECT_EQ(code_of(site.custodian().withdraw({.id = last})), "GIMS_KEYD_APPROVAL");
  EXPECT_TRUE(site.custodian().propose(zeroize));
}

TEST(KeydApprovals, TwoChangeWhoMayApproveAndARestartKeepsIt) {
  DecidedSite site;
  const Signer chitra("Chitra", KeyKind::key_es256);
  EXPECT_EQ(site.decide(addition(chitra)).substr(0, 17), "Done: add Chitra ");
  EXPECT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(site.decide(removal("Bimal")), "Done: remove Bimal.");
  EXPECT_EQ(site.restart().state(), State::operational);
  const ProposalReply proposal = site.propose(reset);
  EXPECT_EQ(site.approve(proposal, test::bimal()), "GIMS_KEYD_APPROVAL");
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  EXPECT_EQ(site.approve(proposal, chitra).substr(0, 15), "Approved by two");
}

TEST(KeydApprovals, AnOlderListPutBackIsNoticed) {
  DecidedSite site;
  const Bytes older = test::read_bytes(site.custody());
  EXPECT_EQ(site.decide(addition(Signer("Chitra", KeyKind::key_es256))).substr(0, 5), "Done:");
  test::write_bytes(site.custody(), older);
  EXPECT_EQ(site.restart().state(), State::locked);
}

TEST(KeydApprovals, WhoIsRemovedMeanwhileDoesNotCount) {
  DecidedSite site;
  const Signer chitra("Chitra", KeyKind::key_es256);
  site.decide(addition(chitra));
  const ProposalReply proposal = site.propose(zeroize);
  EXPECT_EQ(site.approve(proposal, chitra), "1 missing");
  EXPECT_EQ(site.decide(removal("Chitra")), "Done: remove Chitra.");
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  EXPECT_EQ(site.custodian().state(), State::operational);
}

TEST(KeydApprovals, AChangeThatCannotBeMadeChangesNothingAndIsGone) {
  DecidedSite site;
  EXPECT_EQ(code_of(site.custodian().propose(removal("Asha"))), "GIMS_KEYD_APPROVAL");
  const Signer chitra("Chitra", KeyKind::key_es256);
  const ProposalReply twice = site.propose(addition(chitra));
  site.decide(addition(chitra));
  EXPECT_EQ(site.approve(twice, test::asha()), "1 missing");
  EXPECT_EQ(site.approve(twice, test::bimal()), "GIMS_KEYD_APPROVAL") << "she is there already";
  EXPECT_TRUE(site.custodian().proposals()->empty());
}

TEST(KeydApprovals, AFullDiskLosesNoAdministrator) {
  DecidedSite site;
  const Signer chitra("Chitra", KeyKind::key_es256);
  const Bytes before = test::read_bytes(site.custody());
  const ProposalReply proposal = site.propose(addition(chitra));
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  // A folder in the way of the file.
  std::filesystem::remove(site.custody());
  std::filesystem::create_directories(site.custody() / "x");
  const std::string answer = site.approve(proposal, test::bimal());
  std::filesystem::remove_all(site.custody());
  test::write_bytes(site.custody(), before);
  EXPECT_EQ(answer, "GIMS_KEYD_STORAGE");
  EXPECT_EQ(site.restart().state(), State::operational);
  EXPECT_EQ(approval::decode_registry(site.custodian().administrators()->list)->find("Chitra"),
            nullptr);
}

TEST(KeydApprovals, AnAuthenticatorsCounterIsKept) {
  DecidedSite site;
  const Signer chitra("Chitra", KeyKind::webauthn_es256);
  site.decide(addition(chitra));
  ProposalReply proposal = site.propose(reset);
  EXPECT_EQ(site.approve(proposal, chitra, 7), "1 missing");
  EXPECT_EQ(site.restart().state(), State::operational);
  proposal = site.propose(reset);
  EXPECT_EQ(site.approve(proposal, chitra, 7), "GIMS_KEYD_APPROVAL") << "a copy of it";
  EXPECT_EQ(site.approve(proposal, chitra, 8), "1 missing");
}

TEST(KeydApprovals, GimsdDoesOnceWhatTwoApprovedAndNothingElse) {
  DecidedSite site;
  const ProposalReply proposal = site.propose(reset);
  const RedeemRequest wanted{.id = proposal.id, .action = reset.action, .body = reset.body};
  EXPECT_EQ(code_of(site.custodian().redeem(wanted)), "GIMS_KEYD_APPROVAL");
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  EXPECT_EQ(code_of(site.custodian().redeem(wanted)), "GIMS_KEYD_APPROVAL");
  EXPECT_EQ(site.approve(proposal, test::bimal()).substr(0, 15), "Approved by two");
  RedeemRequest other = wanted;
  other.body = test::bytes_of("@joint.secretary:gims.internal");
  EXPECT_EQ(code_of(site.custodian().redeem(other)), "GIMS_KEYD_APPROVAL");
  const auto redeemed = site.custodian().redeem(wanted);
  ASSERT_TRUE(redeemed) << redeemed.error().text;
  EXPECT_EQ(redeemed->approved_by, (std::vector<std::string>{"Asha", "Bimal"}));
  EXPECT_EQ(code_of(site.custodian().redeem(wanted)), "GIMS_KEYD_APPROVAL") << "once";
  // What gims-keyd does itself is nobody's to redeem.
  EXPECT_EQ(code_of(site.custodian().redeem({.id = 1, .action = Action::zeroize, .body = {0}})),
            "GIMS_KEYD_APPROVAL");
}

TEST(KeydApprovals, ALockedSiteCanBeZeroizedByTwoAndNothingElse) {
  DecidedSite site;
  site.hardware().reachable = false;
  ASSERT_EQ(site.restart().state(), State::locked);
  site.hardware().reachable = true;
  EXPECT_EQ(code_of(site.custodian().propose(reset)), "GIMS_KEYD_STATE");
  EXPECT_EQ(code_of(site.custodian().propose(addition(Signer("Chitra", KeyKind::key_es256)))),
            "GIMS_KEYD_STATE");
  const ProposalReply proposal = site.propose(zeroize);
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  EXPECT_EQ(site.approve(proposal, test::bimal()), "The keys are destroyed.");
  EXPECT_EQ(site.custodian().state(), State::zeroized);
  EXPECT_TRUE(site.hardware().seal.empty());
}

TEST(KeydApprovals, AZeroizingThatIsRefusedIsToBeDecidedAgain) {
  DecidedSite site;
  site.hardware().name = 2;  // other hardware
  ASSERT_EQ(site.restart().state(), State::locked);
  ProposalReply proposal = site.propose(zeroize);
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  EXPECT_EQ(site.approve(proposal, test::bimal()), "GIMS_KEYD_CUSTODY");
  EXPECT_EQ(site.custodian().state(), State::locked);
  EXPECT_TRUE(site.custodian().proposals()->empty());
  proposal = site.propose({.action = Action::zeroize, .body = {1}});
  EXPECT_EQ(site.approve(proposal, test::asha()), "1 missing");
  EXPECT_TRUE(site.approve(proposal, test::bimal()).starts_with("The files are removed."));
  EXPECT_EQ(site.custodian().state(), State::zeroized);
}

TEST(KeydApprovals, EachActIsKeptForTheAuditLogUntilItIsThere) {
  DecidedSite site;
  const ProposalReply proposal = site.propose(reset);
  site.approve(proposal, test::asha());
  // Also when the process is killed.
  site.restart();
  const std::vector<std::string> before{"approval.proposed gims-keyd",
                                        "approval.given administrator Asha"};
  EXPECT_EQ(acts_of(site.custodian()), before);
  const ActsReply told = site.custodian().acts({});
  EXPECT_EQ(told.acts[1].target, "identity-reset " + std::to_string(proposal.id));
  EXPECT_EQ(told.acts[1].text, "let @desk.officer:gims.internal replace its encrypted identity");
  EXPECT_EQ(site.custodian().acts({.taken = told.acts[0].id}).acts.size(), 1U);
  EXPECT_TRUE(site.custodian().acts({.taken = told.acts[1].id}).acts.empty());
  EXPECT_FALSE(std::filesystem::exists(site.state() / "acts.bin"));
  site.restart();
  EXPECT_TRUE(site.custodian().acts({}).acts.empty());

  const Signer chitra("Chitra", KeyKind::key_es256);
  site.decide(addition(chitra));
  const auto withdrawn = site.propose(reset);
  ASSERT_TRUE(site.custodian().withdraw({.id = withdrawn.id}));
  EXPECT_EQ(
      acts_of(site.custodian()),
      (std::vector<std::string>{"approval.proposed gims-keyd", "approval.given administrator Asha",
                                "approval.given administrator Bimal", "approval.done Asha, Bimal",
                                "approval.proposed gims-keyd", "approval.withdrawn gims-keyd"}));
}

TEST(KeydApprovals, ActsOfALockedSiteAreToldWhenItOpens) {
  DecidedSite site;
  site.propose(reset);
  site.hardware().reachable = false;
  site.restart();
  const ProposalReply proposal = site.propose(zeroize);
  site.approve(proposal, test::asha());
  site.hardware().reachable = true;
  ASSERT_TRUE(site.custodian().unlock());
  EXPECT_EQ(acts_of(site.custodian()),
            (std::vector<std::string>{"approval.proposed gims-keyd", "approval.proposed gims-keyd",
                                      "approval.given administrator Asha"}));
}

TEST(KeydApprovals, TheOldestActsGoWhereNobodyTakesThemAndAreCounted) {
  DecidedSite site;
  for (std::size_t i = 0; i < max_acts; ++i) {
    ASSERT_TRUE(site.custodian().withdraw({.id = site.propose(reset).id}));
  }
  site.restart();
  const ActsReply told = site.custodian().acts({});
  EXPECT_EQ(told.acts.size(), max_acts);
  EXPECT_EQ(told.lost, max_acts);
  Bytes room(max_frame_size);
  Writer writer(room);
  encode(writer, told);
  EXPECT_TRUE(writer.frame({})) << "they fit into one reply";
}

TEST(KeydApprovals, ActsThatWereChangedOnTheDiskAreOne) {
  DecidedSite site;
  site.propose(reset);
  const auto path = site.state() / "acts.bin";
  const Bytes whole = test::read_bytes(path);
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    Bytes changed = whole;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ (1U << (at % 8)));
    test::write_bytes(path, changed);
    ASSERT_EQ(site.restart().state(), State::operational) << at;
    const ActsReply told = site.custodian().acts({});
    ASSERT_EQ(told.acts.size(), 1U) << at;
    EXPECT_EQ(told.acts[0].act, "keyd.acts_damaged");
  }
}

TEST(KeydApprovals, TheQuorumSaysAnewWhoTheAdministratorsAre) {
  DecidedSite site;
  const Signer chitra("Chitra", KeyKind::key_es256);
  const Signer deepa("Deepa", KeyKind::key_ed25519, {Role::security_officer});
  CeremonyRequest request;
  request.kind = CeremonyKind::administrators;
  request.administrators = test::list_of({&chitra});
  EXPECT_EQ(code_of(test::hold(site.custodian(), std::move(request), site.shares())),
            "GIMS_KEYD_APPROVAL")
      << "two at least";
  request = {};
  request.kind = CeremonyKind::administrators;
  request.administrators = test::list_of({&chitra, &deepa});
  const auto done = test::hold(site.custodian(), std::move(request), site.shares());
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(site.restart().state(), State::operational);
  const ProposalReply proposal = site.propose(zeroize);
  EXPECT_EQ(site.approve(proposal, test::asha()), "GIMS_KEYD_APPROVAL");
  EXPECT_EQ(site.approve(proposal, chitra), "1 missing");
  EXPECT_EQ(site.approve(proposal, deepa), "The keys are destroyed.");
}

TEST(KeydApprovals, ARestoredSiteHasTheAdministratorsThatTheQuorumNames) {
  DecidedSite site;
  const Bytes file = site.custodian().recovery_file()->file;
  const Signer chitra("Chitra", KeyKind::key_es256);
  const Signer deepa("Deepa", KeyKind::key_ed25519);
  for (const bool named : {false, true}) {
    test::KeydSite elsewhere;
    CeremonyRequest request;
    request.kind = CeremonyKind::restore;
    request.recovery_file = file;
    if (named) request.administrators = test::list_of({&chitra, &deepa});
    ASSERT_TRUE(test::hold(elsewhere.custodian(), std::move(request), site.shares()));
    ASSERT_EQ(elsewhere.custodian().state(), State::operational);
    const auto list = elsewhere.custodian().administrators();
    ASSERT_TRUE(list);
    EXPECT_EQ(approval::decode_registry(list->list)->all().size(), named ? 2U : 0U);
    // Nobody decides anything until the quorum says who.
    const auto proposal = elsewhere.custodian().propose(zeroize);
    ASSERT_TRUE(proposal);
    const auto yes = elsewhere.custodian().approve(
        {.id = proposal->id,
         .assertion = test::encoded(test::asha().approve(proposal->challenge))});
    EXPECT_EQ(code_of(yes), "GIMS_KEYD_APPROVAL");
  }
}

}  // namespace
}  // namespace gims::hsm
