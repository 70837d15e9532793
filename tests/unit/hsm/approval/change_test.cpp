#include "hsm/approval/change.hpp"

#include <gtest/gtest.h>

#include "hsm/approval/action.hpp"
#include "support/approval_signer.hpp"

namespace gims::hsm::approval {
namespace {

using test::Signer;

Administrator of(std::string name, Roles roles = {Role::administrator}) {
  return Signer(std::move(name), KeyKind::key_ed25519, roles).about();
}

Registry two() {
  Registry registry;
  EXPECT_TRUE(registry.add(of("Asha")));
  EXPECT_TRUE(registry.add(of("Bimal", {Role::security_officer})));
  return registry;
}

Change removal(std::string name) {
  Change change;
  change.kind = Change::Kind::remove;
  change.name = std::move(name);
  return change;
}
Change addition(Administrator one) {
  Change change;
  change.kind = Change::Kind::add;
  change.added = std::move(one);
  return change;
}
Change roles_of(std::string name, Roles roles) {
  Change change;
  change.kind = Change::Kind::set_roles;
  change.name = std::move(name);
  change.roles = roles;
  return change;
}

Bytes encoded(const Change& change) {
  Bytes room(max_action_body);
  Writer writer(room);
  encode(writer, change);
  return {writer.body().begin(), writer.body().end()};
}

std::string code_of(const auto& result) { return result ? "" : result.error().code; }

TEST(ApprovalChange, AddsRemovesAndGivesRoles) {
  const Administrator chitra = of("Chitra");
  const auto three = changed(two(), addition(chitra));
  ASSERT_TRUE(three);
  EXPECT_EQ(*three->find("Chitra"), chitra);
  const auto without = changed(*three, removal("Asha"));
  ASSERT_TRUE(without);
  EXPECT_EQ(without->find("Asha"), nullptr);
  const auto given = changed(two(), roles_of("Asha", {Role::security_officer, Role::auditor}));
  ASSERT_TRUE(given);
  EXPECT_EQ(given->find("Asha")->roles, (Roles{Role::security_officer, Role::auditor}));
}

TEST(ApprovalChange, TwoWhoCanApproveAlwaysStay) {
  EXPECT_EQ(code_of(changed(two(), removal("Asha"))), "GIMS_APPROVAL_FEW");
  EXPECT_EQ(code_of(changed(two(), roles_of("Bimal", {Role::auditor}))), "GIMS_APPROVAL_FEW");
  const auto with_auditor = changed(two(), addition(of("Deepa", {Role::auditor})));
  ASSERT_TRUE(with_auditor);
  EXPECT_EQ(code_of(changed(*with_auditor, removal("Asha"))), "GIMS_APPROVAL_FEW")
      << "an auditor approves nothing";
  EXPECT_TRUE(changed(*with_auditor, removal("Deepa")));
}

TEST(ApprovalChange, WhatTheRegistryRefusesIsRefused) {
  EXPECT_EQ(code_of(changed(two(), addition(of("Asha")))), "GIMS_APPROVAL_TAKEN");
  EXPECT_EQ(code_of(changed(two(), removal("Nobody"))), "GIMS_APPROVAL_UNKNOWN");
  EXPECT_EQ(code_of(changed(two(), roles_of("Asha", {}))), "GIMS_APPROVAL_ADMINISTRATOR");
}

TEST(ApprovalChange, HasOneForm) {
  for (const Change& change : {addition(of("Chitra")), removal("Asha"),
                               roles_of("Asha", {Role::auditor, Role::administrator})}) {
    const Bytes bytes = encoded(change);
    const auto again = decode_change(bytes);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, change);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_EQ(code_of(decode_change(BytesView(bytes).first(size))), "GIMS_KEYD_FRAME") << size;
    }
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_EQ(code_of(decode_change(longer)), "GIMS_KEYD_FRAME");
  }
  EXPECT_EQ(code_of(decode_change(Bytes{4})), "GIMS_KEYD_FRAME");
}

TEST(ApprovalChange, IsToldInWords) {
  EXPECT_EQ(describe(removal("Asha")), "remove Asha");
  EXPECT_EQ(describe(roles_of("Asha", {Role::administrator, Role::auditor})),
            "make Asha administrator and auditor");
  const std::string added = describe(addition(of("Chitra")));
  EXPECT_TRUE(added.starts_with("add Chitra (administrator), with the Ed25519 key ")) << added;
  EXPECT_NE(describe(of("Chitra")), describe(of("Chitra"))) << "another key is told apart";
}

TEST(ApprovalAction, IsCheckedAndToldBeforeAnybodySaysYes) {
  const auto told = [](Action action, const Bytes& body) { return describe(action, body, two()); };
  EXPECT_EQ(*told(Action::zeroize, Bytes{0}), "destroy all keys of this site for good");
  EXPECT_NE(*told(Action::zeroize, Bytes{1}), *told(Action::zeroize, Bytes{0}));
  EXPECT_EQ(code_of(told(Action::zeroize, Bytes{2})), "GIMS_KEYD_FRAME");
  const auto added = told(Action::administrators, encoded(addition(of("Chitra"))));
  ASSERT_TRUE(added);
  EXPECT_TRUE(added->starts_with("add Chitra (administrator)")) << *added;
  EXPECT_EQ(code_of(told(Action::administrators, encoded(removal("Asha")))), "GIMS_APPROVAL_FEW")
      << "what cannot be done is not proposed";
  EXPECT_EQ(*told(Action::identity_reset, test::bytes_of("@desk.officer:gims.internal")),
            "let @desk.officer:gims.internal replace its encrypted identity");
  for (const char* bad : {"", "desk.officer", "@desk.officer", "@desk officer:gims.internal"}) {
    EXPECT_EQ(code_of(told(Action::identity_reset, test::bytes_of(bad))), "GIMS_KEYD_REQUEST")
        << bad;
  }
  EXPECT_EQ(code_of(told(Action::backup_export, {})), "GIMS_KEYD_REQUEST") << "kept for later";
}

}  // namespace
}  // namespace gims::hsm::approval
