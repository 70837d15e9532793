#include "hsm/main/approvals.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "hsm/approval/registry.hpp"
#include "support/approval_signer.hpp"
#include "support/temp_folder.hpp"

namespace gims::hsm {
namespace {

using approval::KeyKind;
using approval::Role;

const std::string ed25519 =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAa4UmbIvCCijBomCUR5jrYRQhrW6KjcktpTmxsLZ5V7s=\n"
    "-----END PUBLIC KEY-----\n";

class ApprovalsTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }

 private:
  test::TempFolder folder_;
};

TEST_F(ApprovalsTest, AnAdministratorIsANameAndTheFileOfAKey) {
  const auto one = administrator_of(
      {.text = "Asha of the desk=" + file("asha.pub", ed25519), .roles = {Role::security_officer}},
      "gims.internal");
  ASSERT_TRUE(one) << one.error().text;
  EXPECT_EQ(one->name, "Asha of the desk");
  EXPECT_EQ(one->roles, approval::Roles{Role::security_officer});
  EXPECT_EQ(one->kind, KeyKind::key_ed25519);
  EXPECT_TRUE(one->rp_id.empty());

  const test::Signer bimal("Bimal", KeyKind::webauthn_es256);
  P256Point point{};
  std::ranges::copy(bimal.about().public_key, point.begin());
  const std::string registration = R"({"rawId":")" + test::base64url(bimal.about().credential_id) +
                                   R"(","response":{"publicKey":")" +
                                   test::base64url(spki_of(point)) + R"("}})";
  const auto other = administrator_of(
      {.text = "Bimal=" + file("bimal.json", registration), .roles = {Role::administrator}},
      "gims.internal");
  ASSERT_TRUE(other) << other.error().text;
  EXPECT_EQ(*other, bimal.about());
}

TEST_F(ApprovalsTest, WhatIsWrongIsNamed) {
  const std::string key = file("asha.pub", ed25519);
  const std::string none = file("none", "{}");
  for (const std::string& text :
       {std::string("Asha"), "=" + key, std::string("Asha="), std::string("Asha=/nowhere"),
        "Asha=" + none, std::string(65, 'x') + "=" + key}) {
    const auto refused =
        administrator_of({.text = text, .roles = {Role::administrator}}, "gims.internal");
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, "GIMS_KEYD_REQUEST");
  }
  // One key is one person.
  const approval::Roles role{Role::administrator};
  EXPECT_FALSE(
      list_of({{.text = "Asha=" + key, .roles = role}, {.text = "Bimal=" + key, .roles = role}},
              "gims.internal"));
}

TEST_F(ApprovalsTest, RolesAreNamed) {
  EXPECT_EQ(*roles_named("administrator"), approval::Roles{Role::administrator});
  EXPECT_EQ(*roles_named("security-officer,auditor"),
            (approval::Roles{Role::security_officer, Role::auditor}));
  for (const char* text : {"", "officer", "auditor,,administrator", "administrator, auditor"}) {
    EXPECT_FALSE(roles_named(text)) << text;
  }
}

}  // namespace
}  // namespace gims::hsm
