#include "hsm/approval/pending.hpp"

#include <gtest/gtest.h>

#include "support/approval_signer.hpp"
#include "support/manual_clock.hpp"

namespace gims::hsm::approval {
namespace {

using test::Signer;

constexpr Millis minute = 60'000;
constexpr std::uint16_t zeroize = 4;

class PendingTest : public testing::Test {
 protected:
  PendingTest() {
    for (const Signer* signer : {&asha, &bela, &chitra, &dev}) {
      EXPECT_TRUE(registry.add(signer->about()));
    }
  }
  const Proposal& propose(std::string_view body = "body") {
    const auto proposal = pending.propose(zeroize, test::bytes_of(body), allowed, site);
    EXPECT_TRUE(proposal);
    return **proposal;
  }
  // How many more are needed, or the code of the refusal.
  std::string approve(std::uint32_t id, const Assertion& assertion) {
    const auto more = pending.approve(id, registry, assertion);
    return more ? std::to_string(*more) + " more" : more.error().code;
  }
  std::string take(std::uint32_t id) {
    const auto taken = pending.take(id, registry);
    return taken ? "taken" : taken.error().code;
  }

  test::ManualClock clock;
  Pending pending{clock};
  Registry registry;
  Roles allowed{Role::administrator, Role::security_officer};
  Bytes site = test::bytes_of("the site");
  Signer asha{"Asha", KeyKind::webauthn_es256, {Role::administrator}};
  Signer bela{"Bela", KeyKind::key_ed25519, {Role::security_officer, Role::auditor}};
  Signer chitra{"Chitra", KeyKind::webauthn_eddsa, {Role::administrator}};
  Signer dev{"Dev", KeyKind::key_es256, {Role::auditor}};
};

TEST_F(PendingTest, TwoPersonsCarryAnOperationOutOnce) {
  const Proposal proposal = propose();
  EXPECT_EQ(proposal.operation, zeroize);
  EXPECT_EQ(take(proposal.id), "GIMS_APPROVAL_QUORUM");
  EXPECT_EQ(approve(proposal.id, asha.approve(proposal.challenge)), "1 more");
  EXPECT_EQ(take(proposal.id), "GIMS_APPROVAL_QUORUM");
  EXPECT_EQ(approve(proposal.id, bela.approve(proposal.challenge)), "0 more");
  const auto taken = pending.take(proposal.id, registry);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->operation, zeroize);
  EXPECT_EQ(taken->body, test::bytes_of("body"));
  ASSERT_EQ(taken->approvals.size(), 2U);
  EXPECT_EQ(taken->approvals[0].who, "Asha");
  EXPECT_EQ(taken->approvals[1].who, "Bela");
  EXPECT_EQ(take(proposal.id), "GIMS_APPROVAL_PENDING");
  EXPECT_EQ(approve(proposal.id, chitra.approve(proposal.challenge)), "GIMS_APPROVAL_PENDING");
  EXPECT_TRUE(pending.all().empty());
}

TEST_F(PendingTest, OnePersonTwiceIsNotTwo) {
  const Proposal proposal = propose();
  EXPECT_EQ(approve(proposal.id, asha.approve(proposal.challenge, 1)), "1 more");
  EXPECT_EQ(approve(proposal.id, asha.approve(proposal.challenge, 2)), "GIMS_APPROVAL_TWICE");
  EXPECT_EQ(take(proposal.id), "GIMS_APPROVAL_QUORUM");
  EXPECT_EQ(approve(proposal.id, bela.approve(proposal.challenge)), "0 more");
}

TEST_F(PendingTest, OnePersonUnderANewNameIsNotTwo) {
  const Proposal proposal = propose();
  EXPECT_EQ(approve(proposal.id, asha.approve(proposal.challenge)), "1 more");
  Administrator renamed = asha.about();
  renamed.name = "Asha B.";
  ASSERT_TRUE(registry.remove("Asha"));
  ASSERT_TRUE(registry.add(renamed));
  Assertion again = asha.approve(proposal.challenge);
  again.who = "Asha B.";
  // The old name's yes went with the name.
  EXPECT_EQ(approve(proposal.id, again), "1 more");
  EXPECT_EQ(take(proposal.id), "GIMS_APPROVAL_QUORUM");
}

TEST_F(PendingTest, AThirdIsNotNeeded) {
  const Proposal proposal = propose();
  EXPECT_EQ(approve(proposal.id, asha.approve(proposal.challenge)), "1 more");
  EXPECT_EQ(approve(proposal.id, bela.approve(proposal.challenge)), "0 more");
  EXPECT_EQ(approve(proposal.id, chitra.approve(proposal.challenge)), "GIMS_APPROVAL_TWICE");
  EXPECT_EQ(take(proposal.id), "taken");
}

TEST_F(PendingTest, ARoleThatIsNotAllowedDoesNotCount) {
  const Proposal proposal = propose();
  EXPECT_EQ(approve(proposal.id, dev.approve(proposal.challenge)), "GIMS_APPROVAL_ROLE");
  EXPECT_TRUE(pending.all()[0].approvals.empty());
}

TEST_F(PendingTest, AStrangerIsRefused) {
  const Proposal proposal = propose();
  const Signer eve("Eve", KeyKind::key_ed25519);
  EXPECT_EQ(approve(proposal.id, eve.approve(proposal.challenge)), "GIMS_APPROVAL_UNKNOWN");
  Assertion forged = eve.approve(proposal.challenge);
  forged.who = "Bela";
  EXPECT_EQ(approve(proposal.id, forged), "GIMS_APPROVAL_ASSERTION");
  EXPECT_TRUE(pending.all()[0].approvals.empty());
}

TEST_F(PendingTest, AYesToOneProposalIsNoneToAnother) {
  const Proposal one = propose();
  const Proposal two = propose();
  EXPECT_NE(one.challenge, two.challenge);
  EXPECT_NE(one.id, two.id);
  EXPECT_EQ(approve(two.id, asha.approve(one.challenge)), "GIMS_APPROVAL_ASSERTION");
  EXPECT_EQ(approve(two.id, bela.approve(one.challenge)), "GIMS_APPROVAL_ASSERTION");
  EXPECT_TRUE(pending.all()[1].approvals.empty());
}

TEST_F(PendingTest, AnAssertionThatIsSentAgainIsRefused) {
  const Proposal proposal = propose();
  const Assertion first = asha.approve(proposal.challenge, 3);
  EXPECT_EQ(approve(proposal.id, first), "1 more");
  EXPECT_EQ(approve(proposal.id, first), "GIMS_APPROVAL_TWICE");
  EXPECT_EQ(registry.find("Asha")->sign_count, 3U);
}

TEST_F(PendingTest, EndsAfterTenMinutes) {
  const Proposal proposal = propose();
  EXPECT_EQ(approve(proposal.id, asha.approve(proposal.challenge)), "1 more");
  clock.advance(10 * minute - 1);
  EXPECT_EQ(approve(proposal.id, bela.approve(proposal.challenge)), "0 more");
  clock.advance(1);
  EXPECT_EQ(take(proposal.id), "GIMS_APPROVAL_PENDING");
  const Proposal next = propose();
  clock.advance(10 * minute);
  EXPECT_EQ(approve(next.id, asha.approve(next.challenge)), "GIMS_APPROVAL_PENDING");
  EXPECT_TRUE(pending.all().empty());
}

TEST_F(PendingTest, EightMayWait) {
  for (std::size_t i = 0; i < max_pending; ++i) {
    propose();
    clock.advance(1);
  }
  const auto ninth = pending.propose(zeroize, {}, allowed, site);
  ASSERT_FALSE(ninth);
  EXPECT_EQ(ninth.error().code, "GIMS_APPROVAL_BUSY");
  EXPECT_EQ(ninth.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(pending.all().size(), max_pending);
  clock.advance(10 * minute - static_cast<Millis>(max_pending));
  EXPECT_TRUE(pending.propose(zeroize, {}, allowed, site));
}

TEST_F(PendingTest, ABodyIsBounded) {
  EXPECT_TRUE(pending.propose(zeroize, Bytes(max_body, 1), allowed, site));
  const auto over = pending.propose(zeroize, Bytes(max_body + 1, 1), allowed, site);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().kind, ErrorKind::too_large);
}

TEST_F(PendingTest, AnApproverWhoWasRemovedDoesNotCount) {
  const Proposal proposal = propose();
  EXPECT_EQ(approve(proposal.id, asha.approve(proposal.challenge)), "1 more");
  EXPECT_EQ(approve(proposal.id, bela.approve(proposal.challenge)), "0 more");
  ASSERT_TRUE(registry.remove("Bela"));
  EXPECT_EQ(take(proposal.id), "GIMS_APPROVAL_QUORUM");
  EXPECT_EQ(approve(proposal.id, chitra.approve(proposal.challenge)), "0 more");
  EXPECT_EQ(take(proposal.id), "taken");
}

TEST_F(PendingTest, AnApproverWithAnotherRoleDoesNotCount) {
  const Proposal proposal = propose();
  EXPECT_EQ(approve(proposal.id, asha.approve(proposal.challenge)), "1 more");
  EXPECT_EQ(approve(proposal.id, bela.approve(proposal.challenge)), "0 more");
  ASSERT_TRUE(registry.set_roles("Bela", {Role::auditor}));
  EXPECT_EQ(take(proposal.id), "GIMS_APPROVAL_QUORUM");
}

TEST_F(PendingTest, AnApproverWithAnotherKeyDoesNotCount) {
  const Proposal proposal = propose();
  EXPECT_EQ(approve(proposal.id, asha.approve(proposal.challenge)), "1 more");
  EXPECT_EQ(approve(proposal.id, bela.approve(proposal.challenge)), "0 more");
  ASSERT_TRUE(registry.remove("Bela"));
  const Signer successor("Bela", KeyKind::key_ed25519, {Role::security_officer});
  ASSERT_TRUE(registry.add(successor.about()));
  EXPECT_EQ(take(proposal.id), "GIMS_APPROVAL_QUORUM");
  EXPECT_EQ(approve(proposal.id, successor.approve(proposal.challenge)), "0 more");
  EXPECT_EQ(take(proposal.id), "taken");
}

TEST_F(PendingTest, AWithdrawnProposalIsGone) {
  const Proposal proposal = propose();
  EXPECT_EQ(approve(proposal.id, asha.approve(proposal.challenge)), "1 more");
  ASSERT_TRUE(pending.withdraw(proposal.id, registry));
  EXPECT_TRUE(pending.all().empty());
  EXPECT_EQ(approve(proposal.id, bela.approve(proposal.challenge)), "GIMS_APPROVAL_PENDING");
  const auto again = pending.withdraw(proposal.id, registry);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, "GIMS_APPROVAL_PENDING");
}

}  // namespace
}  // namespace gims::hsm::approval
