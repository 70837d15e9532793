#include "hsm/approval/webauthn_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "support/approval_signer.hpp"

namespace gims::hsm::approval {
namespace {

using test::base64url;
using test::bytes_of;
using test::Signer;

// As PublicKeyCredential.toJSON() writes an assertion.
std::string json_of(const Assertion& assertion) {
  return R"({
  "id": "AAEC", "rawId": "AAEC", "type": "public-key",
  "response": {
    "authenticatorData": ")" +
         base64url(assertion.authenticator_data) + R"(",
    "clientDataJSON" : ")" +
         base64url(assertion.client_data_json) + R"(",
    "signature":")" +
         base64url(assertion.signature) + R"(",
    "userHandle": null
  },
  "clientExtensionResults": {}
})";
}

TEST(ApprovalWebauthnFile, AnAssertionIsReadAsItWasMade) {
  const Challenge challenge{7};
  for (const KeyKind kind : {KeyKind::webauthn_es256, KeyKind::webauthn_eddsa}) {
    const Signer asha("Asha", kind);
    const Assertion made = asha.approve(challenge, 5);
    const auto read = assertion_of_json(json_of(made), "Asha");
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(*read, made);
    EXPECT_EQ(*verify(asha.about(), challenge, *read), 5U);
  }
}

TEST(ApprovalWebauthnFile, AMemberComesOnceAndIsBase64url) {
  const Signer asha("Asha", KeyKind::webauthn_es256);
  const std::string good = json_of(asha.approve(Challenge{7}));
  const auto with = [&](const std::string& what, const std::string& instead) {
    std::string changed = good;
    changed.replace(changed.find(what), what.size(), instead);
    return assertion_of_json(changed, "Asha");
  };
  ASSERT_TRUE(with("userHandle", "userHandle"));
  for (const auto& [what, instead] : std::vector<std::pair<std::string, std::string>>{
           {"\"signature\"", "\"Signature\""},
           {"\"userHandle\"", "\"signature\""},
           {"\"signature\":\"", "\"signature\":["},
           {"\"signature\":\"", "\"signature\":\"="},
           {"\"signature\":\"", "\"signature\":\"+"},
           {"\"signature\":\"", "\"signature\":\"" + std::string(200, 'A')},
           {"\"signature\":", "\"signature\""},
           {"\"clientExtensionResults\"", std::string(max_webauthn_file, ' ')},
       }) {
    const auto read = with(what, instead);
    ASSERT_FALSE(read) << what << " as " << instead.substr(0, 30);
    EXPECT_EQ(read.error().code, "GIMS_APPROVAL_FILE");
  }
  EXPECT_FALSE(assertion_of_json("", "Asha"));
  EXPECT_FALSE(assertion_of_json(good.substr(0, good.find("userHandle") - 10), "Asha"));
}

TEST(ApprovalWebauthnFile, ARegistrationGivesTheKey) {
  const Signer asha("Asha", KeyKind::webauthn_es256);
  P256Point point{};
  std::ranges::copy(asha.about().public_key, point.begin());
  const std::string json = R"({"rawId":")" + base64url(asha.about().credential_id) +
                           R"(","response":{"publicKey":")" + base64url(spki_of(point)) + R"("}})";
  const auto credential = credential_of_json(json);
  ASSERT_TRUE(credential) << credential.error().text;
  EXPECT_EQ(credential->id, asha.about().credential_id);
  EXPECT_EQ(credential->key,
            (PublicKey{.kind = KeyKind::webauthn_es256, .bytes = asha.about().public_key}));
  EXPECT_FALSE(credential_of_json(R"({"rawId":"AAEC","publicKey":"AAEC"})"));
  EXPECT_FALSE(credential_of_json(R"({"rawId":"AAEC"})"));
}

}  // namespace
}  // namespace gims::hsm::approval
