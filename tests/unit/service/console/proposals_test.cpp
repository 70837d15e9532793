#include "service/console/proposals.hpp"

#include <gtest/gtest.h>

#include <string>

#include "hsm/approval/action.hpp"
#include "hsm/approval/key_file.hpp"
#include "hsm/approval/pending.hpp"
#include "json/value.hpp"
#include "service/console/proposal_request.hpp"
#include "support/console_fixture.hpp"

namespace gims::service::console {
namespace {

using hsm::Action;
using test::asha;
using test::bimal;

// gims-keyd as it decides, by its own rule of two, without its keys.
class DecidingKeyd final : public test::ListedAdministrators {
 public:
  explicit DecidingKeyd(const Clock& clock) : pending_(clock), clock_(clock) {}
  Result<hsm::ProposalReply> propose(const hsm::ProposeRequest& request) override {
    GIMS_TRY_ASSIGN(const auto registry, administrators());
    GIMS_TRY(in_its_codes(hsm::approval::describe(request.action, request.body, registry)));
    GIMS_TRY_ASSIGN(
        const auto* const made,
        in_its_codes(pending_.propose(static_cast<std::uint16_t>(request.action), request.body,
                                      hsm::approval::approvers, hsm::Bytes(32))));
    return reply(*made);
  }
  Result<std::vector<hsm::ProposalReply>> proposals() override {
    if (away) return fail(ErrorKind::unavailable, "GIMS_KEYD_GONE", "gims-keyd does not answer.");
    std::vector<hsm::ProposalReply> all;
    for (const auto& one : pending_.all()) all.push_back(reply(one));
    return all;
  }
  Result<hsm::ApproveReply> approve(const hsm::ApproveRequest& request) override {
    GIMS_TRY_ASSIGN(auto registry, administrators());
    GIMS_TRY_ASSIGN(const auto assertion, hsm::approval::decode_assertion(request.assertion));
    GIMS_TRY_ASSIGN(const std::size_t missing,
                    in_its_codes(pending_.approve(request.id, registry, assertion)));
    if (missing > 0)
      return hsm::ApproveReply{.missing = static_cast<std::uint8_t>(missing), .text = {}};
    const auto action = static_cast<Action>(pending_.all().front().operation);
    if (hsm::approval::done_by(action) == hsm::approval::DoneBy::us) {
      GIMS_TRY(in_its_codes(pending_.take(request.id, registry)));
    }
    return hsm::ApproveReply{.missing = 0, .text = "Done."};
  }
  Result<> withdraw(std::uint32_t id) override {
    GIMS_TRY_ASSIGN(const auto registry, administrators());
    return in_its_codes(pending_.withdraw(id, registry));
  }
  bool away = false;

 private:
  template <class T>
  static Result<T> in_its_codes(Result<T> result) {
    if (!result) result.error().code = "GIMS_KEYD_APPROVAL";
    return result;
  }
  hsm::ProposalReply reply(const hsm::approval::Proposal& one) {
    hsm::ProposalReply made{
        .id = one.id,
        .action = static_cast<Action>(one.operation),
        .body = one.body,
        .text = "words",
        .challenge = one.challenge,
        .seconds_left = static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::seconds>(one.expires - clock_.steady())
                .count()),
        .approved_by = {}};
    for (const auto& yes : one.approvals) made.approved_by.push_back(yes.who);
    return made;
  }
  hsm::approval::Pending pending_;
  const Clock& clock_;
};

// gims-keyd, as TwoPersons redeems there.
class Redeeming final : public KeydDecisions {
 public:
  Result<std::vector<std::string>> redeem_identity_reset(std::uint32_t,
                                                         std::string_view user_id) override {
    redeemed = user_id;
    return std::vector<std::string>{"Asha", "Bimal"};
  }
  Result<Acts> acts(std::uint64_t) override { return Acts{}; }
  std::string redeemed;
};

class ConsoleProposals : public testing::Test {
 protected:
  ConsoleProposals() {
    for (const auto* one : {&asha(), &bimal()}) approvals.add(one->about());
    auto chitra = key.about();
    chitra.name = "Chitra";
    approvals.add(chitra);
    auto auditor = other.about();
    auditor.name = "Dev";
    auditor.roles = {Role::auditor};
    approvals.add(auditor);
    EXPECT_TRUE(two_persons.attach(*store));
    EXPECT_TRUE(store.write([](store::Transaction& transaction) {
      return transaction.sql().script(
          "INSERT INTO users (user_id, created_ts) VALUES ('@desk.officer:gims.internal', 0)");
    }));
    keyd.start();
  }
  ~ConsoleProposals() override {
    two_persons.stop();
    keyd.stop();
    store->stop();
  }

  static Session of(std::string name) {
    Session session;
    session.id = "session of " + name;
    session.name = std::move(name);
    session.where = where("10.1.0.7", "Browser/1");
    return session;
  }
  template <class T, class Begin>
  Result<T> wait(Begin begin) {
    std::promise<Result<T>> promise;
    auto future = promise.get_future();
    begin([&promise](Result<T> outcome) { promise.set_value(std::move(outcome)); });
    return future.get();
  }
  static hsm::ProposeRequest request(std::string_view json) {
    const auto document = json::Document::parse(json);
    auto made = decode_proposal(document->root(), "gims.internal");
    EXPECT_TRUE(made) << (made ? "" : made.error().text);
    return made ? std::move(*made) : hsm::ProposeRequest{};
  }
  Result<ProposalShown> propose(std::string_view json, std::string by = "Asha") {
    return wait<ProposalShown>(
        [&](auto done) { proposals.propose(of(by), request(json), std::move(done)); });
  }
  Result<ProposalApproved> yes(const ProposalShown& proposal, const test::Signer& signer) {
    return wait<ProposalApproved>([&](auto done) {
      proposals.approve(of(signer.about().name), proposal.id, signer.approve(proposal.challenge),
                        std::move(done));
    });
  }
  Result<ProposalShown> found(std::uint32_t id) {
    return wait<ProposalShown>([&](auto done) { proposals.find(id, std::move(done)); });
  }
  template <class T>
  static std::string code_of(const Result<T>& outcome) {
    return outcome ? "" : outcome.error().code;
  }

  using Role = hsm::approval::Role;
  static constexpr std::string_view other_roles =
      R"({"action":"administrators_set_roles","name":"Asha","roles":["auditor"]})";
  test::StoreUnderTest store;
  test::ManualClock& clock = store.clock();
  test::WebAuthenticator key{hsm::approval::KeyKind::webauthn_es256, "Chitra"};
  test::WebAuthenticator other{hsm::approval::KeyKind::webauthn_es256, "Dev"};
  DecidingKeyd approvals{clock};
  Redeeming redeeming;
  TwoPersons two_persons{&redeeming, std::chrono::hours(1)};
  Keyd keyd{&approvals, std::chrono::hours(1)};
  Proposals proposals{*store, keyd, two_persons, "gims.internal", clock};
};

TEST_F(ConsoleProposals, WithTheSecondYesItIsDone) {
  const auto made = propose(other_roles);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->proposed_by, "Asha");
  EXPECT_EQ(made->state, ProposalState::waiting);
  EXPECT_EQ(made->expires_ts, clock.now_ms() + 600'000);
  const auto first = yes(*made, asha());
  ASSERT_TRUE(first);
  EXPECT_EQ(first->missing, 1);
  const auto second = yes(*made, bimal());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->missing, 0);
  EXPECT_EQ(second->proposal.state, ProposalState::done);
  EXPECT_EQ(second->proposal.approved_by, (std::vector<std::string>{"Asha", "Bimal"}));
  EXPECT_EQ(found(made->id)->state, ProposalState::done);
}

TEST_F(ConsoleProposals, OnePersonSaysOneYes) {
  const auto made = propose(other_roles);
  ASSERT_TRUE(yes(*made, asha()));
  EXPECT_EQ(code_of(yes(*made, asha())), "GIMS_APPROVAL_TWICE");
}

TEST_F(ConsoleProposals, AYesIsOfWhoseSessionItIs) {
  const auto made = propose(other_roles);
  const auto stolen = wait<ProposalApproved>([&](auto done) {
    auto assertion = asha().approve(made->challenge);
    assertion.who = "Asha";
    proposals.approve(of("Bimal"), made->id, std::move(assertion), std::move(done));
  });
  EXPECT_EQ(code_of(stolen), "GIMS_APPROVAL_ASSERTION");
  EXPECT_TRUE(found(made->id)->approved_by.empty());
}

TEST_F(ConsoleProposals, AnAuditorApprovesNothing) {
  const auto made = propose(other_roles);
  const auto refused =
      wait<ApprovalAsked>([&](auto done) { proposals.ask(of("Dev"), made->id, std::move(done)); });
  EXPECT_EQ(code_of(refused), "GIMS_APPROVAL_ROLE");
}

TEST_F(ConsoleProposals, ASecurityKeyIsAskedForItsYes) {
  const auto made = propose(other_roles);
  const auto asked = wait<ApprovalAsked>(
      [&](auto done) { proposals.ask(of("Chitra"), made->id, std::move(done)); });
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->challenge, made->challenge);
  EXPECT_EQ(asked->key, key.id());
  // Whose key is one of a file signs elsewhere.
  EXPECT_EQ(code_of(wait<ApprovalAsked>(
                [&](auto done) { proposals.ask(of("Asha"), made->id, std::move(done)); })),
            "GIMS_STATE");
}

TEST_F(ConsoleProposals, WhatCannotBeDoneIsNotProposed) {
  EXPECT_EQ(code_of(propose(R"({"action":"administrators_remove","name":"Nobody"})")),
            "GIMS_STATE");
}

TEST_F(ConsoleProposals, EightWait) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(propose(other_roles)) << i;
  EXPECT_EQ(code_of(propose(other_roles)), "GIMS_APPROVAL_BUSY");
}

TEST_F(ConsoleProposals, EndAfterTenMinutesAndAreForgottenAfterADay) {
  const auto made = propose(other_roles);
  clock.advance(std::chrono::milliseconds(std::chrono::minutes(10)).count());
  EXPECT_EQ(found(made->id)->state, ProposalState::expired);
  EXPECT_EQ(code_of(yes(*made, asha())), "GIMS_APPROVAL_PENDING");
  clock.advance(std::chrono::milliseconds(std::chrono::hours(25)).count());
  EXPECT_EQ(code_of(found(made->id)), "GIMS_APPROVAL_PENDING");
}

TEST_F(ConsoleProposals, AreWithdrawn) {
  const auto made = propose(other_roles);
  EXPECT_TRUE(
      wait<void>([&](auto done) { proposals.withdraw(of("Bimal"), made->id, std::move(done)); }));
  EXPECT_EQ(found(made->id)->state, ProposalState::withdrawn);
  EXPECT_EQ(code_of(yes(*made, asha())), "GIMS_APPROVAL_PENDING");
}

TEST_F(ConsoleProposals, WhatIsGimsdsIsRedeemedByOneOfThem) {
  const auto made =
      propose(R"({"action":"identity_reset","user_id":"@desk.officer:gims.internal"})");
  ASSERT_TRUE(made);
  const auto redeem = [&] {
    return wait<ProposalShown>(
        [&](auto done) { proposals.redeem(of("Asha"), made->id, std::move(done)); });
  };
  EXPECT_EQ(code_of(redeem()), "GIMS_APPROVAL_QUORUM");
  ASSERT_TRUE(yes(*made, asha()));
  EXPECT_EQ(code_of(redeem()), "GIMS_APPROVAL_QUORUM");
  const auto second = yes(*made, bimal());
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->proposal.redeemable);
  const auto done = redeem();
  ASSERT_TRUE(done);
  EXPECT_EQ(done->state, ProposalState::done);
  EXPECT_EQ(redeeming.redeemed, "@desk.officer:gims.internal");
}

TEST_F(ConsoleProposals, SayThatGimsKeydIsAway) {
  approvals.away = true;
  EXPECT_EQ(code_of(wait<std::vector<ProposalShown>>(
                [&](auto done) { proposals.list(std::move(done)); })),
            "GIMS_UNAVAILABLE");
}

TEST(ProposalRequests, AreToldAsTheyWereMade) {
  for (
      const std::string_view json :
      {R"({"action":"zeroize","files_only":true})",
       R"({"action":"administrators_remove","name":"Asha"})",
       R"({"action":"administrators_set_roles","name":"Asha","roles":["administrator","auditor"]})",
       R"({"action":"identity_reset","user_id":"@desk.officer:gims.internal"})",
       R"({"action":"person_remove","name":"Asha"})"}) {
    const auto document = json::Document::parse(json);
    const auto made = decode_proposal(document->root(), "gims.internal");
    ASSERT_TRUE(made) << json;
    EXPECT_EQ(proposal_json(made->action, made->body), json);
  }
}

TEST(ProposalRequests, OfAKeyTellItsPem) {
  const std::string pem = hsm::approval::pem_of_key(asha().about());
  json::Writer out;
  out.begin_object().member("action", "administrators_add").member("name", "New");
  out.key("roles").begin_array().value("auditor").end_array();
  out.key("key").begin_object().member("pem", pem).end_object().end_object();
  const std::string json = out.take();
  const auto document = json::Document::parse(json);
  const auto made = decode_proposal(document->root(), "gims.internal");
  ASSERT_TRUE(made);
  EXPECT_EQ(proposal_json(made->action, made->body), json);
}

TEST(ProposalRequests, OfAnotherFormAreRefused) {
  const auto code = [](std::string_view json) -> std::string {
    const auto document = json::Document::parse(json);
    const auto made = decode_proposal(document->root(), "gims.internal");
    return made ? "" : made.error().code;
  };
  EXPECT_EQ(code(R"({"action":"zeroize"})"), "M_MISSING_PARAM");
  EXPECT_EQ(code(R"({"action":"zeroize","files_only":true,"now":true})"), "M_BAD_JSON");
  EXPECT_EQ(code(R"({"action":"administrators_remove","name":""})"), "M_INVALID_PARAM");
  EXPECT_EQ(code(R"({"action":"administrators_set_roles","name":"A","roles":[]})"),
            "M_INVALID_PARAM");
  EXPECT_EQ(code(R"({"action":"administrators_set_roles","name":"A","roles":["root"]})"),
            "M_INVALID_PARAM");
  EXPECT_EQ(
      code(R"({"action":"administrators_add","name":"A","roles":["auditor"],"key":{"pem":"x"}})"),
      "M_INVALID_PARAM");
  EXPECT_EQ(code(R"({"action":"device_wipe","user_id":"@a:b","device_id":"C"})"),
            "GIMS_KEYD_STATE");
  EXPECT_EQ(code(R"({"action":"launch"})"), "M_INVALID_PARAM");
}

}  // namespace
}  // namespace gims::service::console
