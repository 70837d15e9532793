#include "hsm/approval/registration.hpp"

#include <gtest/gtest.h>

#include "support/web_authenticator.hpp"

namespace gims::hsm::approval {
namespace {

using test::WebAuthenticator;

constexpr Challenge challenge{9, 8, 7, 0xfb, 0xef, 0xff};
constexpr std::string_view site = "gims.internal";

// "yes", or the text of the refusal.
std::string answer(const Registration& registration) {
  const auto made = registered(site, challenge, registration);
  if (made) return "yes";
  EXPECT_EQ(made.error().kind, ErrorKind::forbidden);
  EXPECT_EQ(made.error().code, "GIMS_APPROVAL_ASSERTION");
  return made.error().text;
}

class RegistrationOf : public testing::TestWithParam<KeyKind> {
 protected:
  WebAuthenticator key{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Keys, RegistrationOf,
                         testing::Values(KeyKind::webauthn_es256, KeyKind::webauthn_eddsa));

TEST_P(RegistrationOf, IsTheCredential) {
  key.counter = 0x01020304;
  const auto made = registered(site, challenge, key.create(challenge));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->kind, GetParam());
  EXPECT_EQ(made->public_key, key.about().public_key);
  EXPECT_EQ(made->credential_id, key.about().credential_id);
  EXPECT_EQ(made->rp_id, site);
  EXPECT_EQ(made->sign_count, 0x01020304U);
}

TEST_P(RegistrationOf, IsGoodForAssertionsAfterIt) {
  const auto made = registered(site, challenge, key.create(challenge));
  ASSERT_TRUE(made);
  EXPECT_TRUE(verify(*made, challenge, key.get(challenge)));
}

TEST_P(RegistrationOf, MayBeSignedByTheKeyItself) {
  key.format = "packed";
  EXPECT_EQ(answer(key.create(challenge)), "yes");
  key.spoil = true;
  EXPECT_EQ(answer(key.create(challenge)), "The credential's own signature does not hold.");
}

TEST_P(RegistrationOf, AnotherFormatIsRefused) {
  key.format = "fido-u2f";
  EXPECT_TRUE(answer(key.create(challenge)).starts_with("The authenticator's maker attests it"));
}

TEST_P(RegistrationOf, AnotherChallengeIsRefused) {
  EXPECT_EQ(answer(key.create({1})), "The assertion is over another challenge.");
}

TEST_P(RegistrationOf, AnAssertionIsNone) {
  auto made = key.create(challenge);
  made.client_data_json = key.get(challenge).client_data_json;
  EXPECT_EQ(answer(made), "The client data is not that of a registration.");
}

TEST_P(RegistrationOf, AnotherOriginOrSiteIsRefused) {
  key.origin = "https://gims.example";
  EXPECT_EQ(answer(key.create(challenge)), "The assertion was made for another origin.");
  key.origin = "https://gims.internal";
  key.rp_id = "gims.example";
  EXPECT_EQ(answer(key.create(challenge)), "The credential was made for another site.");
}

TEST_P(RegistrationOf, WantsTouchPinAndCredential) {
  key.flags = 0x44;
  EXPECT_EQ(answer(key.create(challenge)), "Nobody touched the authenticator.");
  key.flags = 0x41;
  EXPECT_TRUE(answer(key.create(challenge)).starts_with("The authenticator did not verify"));
  key.flags = 0x05;
  EXPECT_EQ(answer(key.create(challenge)), "There is no credential in the answer.");
  key.flags = 0xc5;
  EXPECT_EQ(answer(key.create(challenge)),
            "The authenticator data has extensions, which nobody asked for.");
}

TEST_P(RegistrationOf, MoreOrLessThanTheKeyIsRefused) {
  key.more_key = {0};
  EXPECT_EQ(answer(key.create(challenge)), "The credential's key is none of ES256 or EdDSA.");
  key.more_key = {};
  const Registration whole = key.create(challenge);
  for (std::size_t size = 0; size < whole.attestation_object.size(); ++size) {
    Registration cut = whole;
    cut.attestation_object.resize(size);
    EXPECT_NE(answer(cut), "yes") << size;
  }
  Registration longer = whole;
  longer.attestation_object.push_back(0);
  EXPECT_EQ(answer(longer), "This is no attestation object.");
}

TEST_P(RegistrationOf, WhatIsTooLongIsNotRead) {
  Registration made = key.create(challenge);
  made.attestation_object.resize(max_attestation_object + 1);
  EXPECT_EQ(answer(made), "The answer of the authenticator is too long.");
}

// A point that is not on the curve: X alone changed.
TEST(Registration, AKeyThatIsNoPointIsRefused) {
  WebAuthenticator key;
  Registration made = key.create(challenge);
  Bytes& object = made.attestation_object;
  const Bytes x(key.about().public_key.begin() + 1, key.about().public_key.begin() + 33);
  const auto at = std::ranges::search(object, x);
  ASSERT_FALSE(at.empty());
  *at.begin() ^= 1U;
  EXPECT_EQ(answer(made), "The credential's key is no point of its curve.");
}

}  // namespace
}  // namespace gims::hsm::approval
