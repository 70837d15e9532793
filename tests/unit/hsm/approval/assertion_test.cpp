#include "hsm/approval/assertion.hpp"

#include <gtest/gtest.h>

#include "support/approval_signer.hpp"

namespace gims::hsm::approval {
namespace {

using test::bytes_of;
using test::Ceremony;
using test::client_data_of;
using test::Signer;
using test::operator+;

constexpr Challenge challenge{1, 2, 3, 0xfb, 0xef, 0xff};

// "yes", or the text of the refusal.
std::string answer(const Administrator& administrator, const Assertion& assertion) {
  const auto verified = verify(administrator, challenge, assertion);
  if (verified) return "yes";
  EXPECT_EQ(verified.error().kind, ErrorKind::forbidden);
  EXPECT_TRUE(verified.error().code == "GIMS_APPROVAL_ASSERTION" ||
              verified.error().code == "GIMS_APPROVAL_COUNTER");
  return verified.error().text;
}

class WebAuthn : public testing::TestWithParam<KeyKind> {
 protected:
  [[nodiscard]] std::string answer_to(const Ceremony& ceremony) const {
    return answer(signer.about(), signer.assert_with(ceremony));
  }
  [[nodiscard]] std::string answer_to_client_data(std::string client_data) const {
    Ceremony other = good;
    other.client_data = std::move(client_data);
    return answer_to(other);
  }
  [[nodiscard]] std::string answer_to_origin(std::string_view origin) const {
    return answer_to_client_data(client_data_of(challenge, origin));
  }

  Signer signer{"Asha", GetParam()};
  Ceremony good{.more_data = {}, .client_data = client_data_of(challenge)};
};
INSTANTIATE_TEST_SUITE_P(Keys, WebAuthn,
                         testing::Values(KeyKind::webauthn_es256, KeyKind::webauthn_eddsa));

TEST_P(WebAuthn, AnAssertionOverTheChallengeIsAYes) { EXPECT_EQ(answer_to(good), "yes"); }

TEST_P(WebAuthn, BackupFlagsMakeNoDifference) {
  good.flags = 0x1d;
  EXPECT_EQ(answer_to(good), "yes");
}

TEST_P(WebAuthn, ThePortOfTheOriginIsFree) {
  EXPECT_EQ(answer_to_origin("https://gims.internal:8443"), "yes");
  EXPECT_EQ(answer_to_origin("https://gims.internal:1"), "yes");
  EXPECT_EQ(answer_to_origin("https://gims.internal:65535"), "yes");
}

TEST_P(WebAuthn, FurtherMembersMayFollow) {
  std::string text = good.client_data;
  text.pop_back();
  EXPECT_EQ(answer_to_client_data(text + R"(,"extra":"{\"challenge\":1}"})"), "yes");
}

TEST_P(WebAuthn, AnotherSiteIsRefused) {
  good.rp_id = "gims.example";
  EXPECT_EQ(answer_to(good), "The assertion was made for another site.");
}

TEST_P(WebAuthn, WithoutATouchItIsRefused) {
  good.flags = 0x04;
  EXPECT_EQ(answer_to(good), "Nobody touched the authenticator.");
}

TEST_P(WebAuthn, WithoutVerificationOfTheUserItIsRefused) {
  good.flags = 0x01;
  EXPECT_TRUE(answer_to(good).starts_with("The authenticator did not verify who touched it"));
}

TEST_P(WebAuthn, AuthenticatorDataWithMoreIsRefused) {
  const std::string_view refusal = "The authenticator data has extensions or credential data";
  Ceremony longer = good;
  longer.more_data = {0};
  EXPECT_TRUE(answer_to(longer).starts_with(refusal));
  for (const unsigned flag : {0x40U, 0x80U}) {
    Ceremony announced = good;
    announced.flags = static_cast<std::uint8_t>(0x05U | flag);
    EXPECT_TRUE(answer_to(announced).starts_with(refusal));
    announced.more_data = {0xa0};
    EXPECT_TRUE(answer_to(announced).starts_with(refusal));
  }
}

TEST_P(WebAuthn, AuthenticatorDataThatIsCutIsRefused) {
  const Assertion whole = signer.assert_with(good);
  for (std::size_t size = 0; size < authenticator_data_size; ++size) {
    Assertion cut = whole;
    cut.authenticator_data.resize(size);
    cut.signature = signer.sign(Signer::signed_part(cut));
    EXPECT_EQ(answer(signer.about(), cut), "The authenticator data is cut.") << size;
  }
}

TEST_P(WebAuthn, AnotherChallengeIsRefused) {
  const std::string refusal = "The assertion is over another challenge.";
  EXPECT_EQ(answer_to_client_data(client_data_of(Challenge{1, 2, 3})), refusal);
  const std::string text = test::base64url(challenge);
  for (const std::string& other : {text + "=", text.substr(0, 42), text + "A", std::string()}) {
    std::string data = good.client_data;
    data.replace(data.find(text), text.size(), other);
    EXPECT_EQ(answer_to_client_data(data), refusal) << other;
  }
  // In the other alphabet of base64: the challenge has digits that differ.
  std::string standard = good.client_data;
  std::ranges::replace(standard, '-', '+');
  std::ranges::replace(standard, '_', '/');
  ASSERT_NE(standard, good.client_data);
  EXPECT_NE(answer_to_client_data(standard), "yes");
}

TEST_P(WebAuthn, AnotherOriginIsRefused) {
  for (const std::string_view origin : {"http://gims.internal",
                                        "https://gims.internal.example",
                                        "https://chat.gims.internal",
                                        "https://xgims.internal",
                                        "https://gims.internal@example.org",
                                        "https://gims.internal/",
                                        "https://GIMS.internal",
                                        "https://gims.internal.",
                                        "https://",
                                        "",
                                        "gims.internal",
                                        "https://gims.internal:",
                                        "https://gims.internal:0",
                                        "https://gims.internal:080",
                                        "https://gims.internal:65536",
                                        "https://gims.internal:99999999999999999999",
                                        "https://gims.internal:8443x",
                                        "https://gims.internal:8443:1",
                                        "https://gims.internal:-1",
                                        "https://gims.internal:+1",
                                        "https://gims.internal: 1",
                                        " https://gims.internal"}) {
    EXPECT_EQ(answer_to_origin(origin), "The assertion was made for another origin.") << origin;
  }
}

TEST_P(WebAuthn, APageWithinAnotherIsRefused) {
  const std::string refusal = "The assertion was made within a page of another origin.";
  std::string data = good.client_data;
  data.replace(data.find("false"), 5, "true");
  EXPECT_EQ(answer_to_client_data(data), refusal);
  data = good.client_data;
  data.erase(data.find(",\"cross"), std::string_view(",\"crossOrigin\":false").size());
  EXPECT_EQ(answer_to_client_data(data), refusal);
}

TEST_P(WebAuthn, ClientDataInAnotherFormIsRefused) {
  const std::string text = good.client_data;
  std::string created = text;
  created.replace(created.find("webauthn.get"), 12, "webauthn.create");
  EXPECT_EQ(answer_to_client_data(created), "The client data is not that of an assertion.");
  EXPECT_EQ(answer_to_client_data(""), "The client data is not that of an assertion.");
  EXPECT_EQ(answer_to_client_data(" " + text), "The client data is not that of an assertion.");
  EXPECT_EQ(answer_to_client_data("\xef\xbb\xbf" + text),
            "The client data is not that of an assertion.");
  std::string spaced = text;
  spaced.insert(spaced.find(':') + 1, " ");
  EXPECT_EQ(answer_to_client_data(spaced), "The client data is not that of an assertion.");
  const std::string end = "The client data does not end as it should.";
  EXPECT_EQ(answer_to_client_data(text + "}"), end);
  EXPECT_EQ(answer_to_client_data(text + ",}"), end);
  EXPECT_EQ(answer_to_client_data(text.substr(0, text.size() - 1) + R"(,"extra":1)"), end);
  EXPECT_EQ(answer_to_client_data(text + "\n"), end);
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_NE(answer_to_client_data(text.substr(0, size)), "yes") << size;
  }
}

TEST_P(WebAuthn, EveryBitIsUnderTheSignature) {
  const Assertion whole = signer.assert_with(good);
  const auto refused_with_each_bit_changed = [&](Bytes Assertion::* field) {
    for (std::size_t bit = 0; bit < 8 * (whole.*field).size(); ++bit) {
      Assertion changed = whole;
      (changed.*field)[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      EXPECT_NE(answer(signer.about(), changed), "yes") << bit;
    }
  };
  refused_with_each_bit_changed(&Assertion::signature);
  refused_with_each_bit_changed(&Assertion::authenticator_data);
  refused_with_each_bit_changed(&Assertion::client_data_json);
}

TEST_P(WebAuthn, AnothersSignatureIsRefused) {
  const Signer other("Bela", GetParam());
  EXPECT_EQ(answer(signer.about(), other.assert_with(good)),
            "The signature is not that of the administrator's authenticator.");
}

TEST_P(WebAuthn, ASignatureOverTheChallengeAloneIsRefused) {
  Assertion assertion = signer.assert_with(good);
  assertion.signature =
      signer.sign(bytes_of(signed_by_key) + Bytes(challenge.begin(), challenge.end()));
  EXPECT_NE(answer(signer.about(), assertion), "yes");
  assertion.authenticator_data.clear();
  assertion.client_data_json.clear();
  EXPECT_NE(answer(signer.about(), assertion), "yes");
}

TEST_P(WebAuthn, TheCounterMustGrowUnlessItIsAlwaysZero) {
  Administrator known = signer.about();
  const auto counted = [&](std::uint32_t before, std::uint32_t now) {
    known.sign_count = before;
    good.counter = now;
    const auto verified = verify(known, challenge, signer.assert_with(good));
    return verified ? std::to_string(*verified) : verified.error().code;
  };
  EXPECT_EQ(counted(0, 0), "0");
  EXPECT_EQ(counted(0, 1), "1");
  EXPECT_EQ(counted(7, 8), "8");
  EXPECT_EQ(counted(7, 0xffffffff), "4294967295");
  EXPECT_EQ(counted(7, 7), "GIMS_APPROVAL_COUNTER");
  EXPECT_EQ(counted(7, 6), "GIMS_APPROVAL_COUNTER");
  EXPECT_EQ(counted(7, 0), "GIMS_APPROVAL_COUNTER");
  EXPECT_EQ(counted(0xffffffff, 0), "GIMS_APPROVAL_COUNTER");
}

class KeyFile : public testing::TestWithParam<KeyKind> {
 protected:
  Signer signer{"Asha", GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Keys, KeyFile, testing::Values(KeyKind::key_es256, KeyKind::key_ed25519));

TEST_P(KeyFile, ASignatureOverTheLabelAndTheChallengeIsAYes) {
  EXPECT_EQ(answer(signer.about(), signer.approve(challenge)), "yes");
  EXPECT_EQ(verify(signer.about(), challenge, signer.approve(challenge)), 0U);
}

TEST_P(KeyFile, AnotherChallengeKeyOrLabelIsRefused) {
  EXPECT_NE(answer(signer.about(), signer.approve(Challenge{9})), "yes");
  EXPECT_NE(answer(signer.about(), Signer("Bela", GetParam()).approve(challenge)), "yes");
  Assertion assertion = signer.approve(challenge);
  for (const std::string_view label : {"", "gims approval 2\n", "gims approval 1"}) {
    assertion.signature = signer.sign(bytes_of(label) + Bytes(challenge.begin(), challenge.end()));
    EXPECT_NE(answer(signer.about(), assertion), "yes") << label;
  }
}

TEST_P(KeyFile, EveryBitOfTheSignatureCounts) {
  const Assertion whole = signer.approve(challenge);
  for (std::size_t bit = 0; bit < 8 * whole.signature.size(); ++bit) {
    Assertion changed = whole;
    changed.signature[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_NE(answer(signer.about(), changed), "yes") << bit;
  }
  for (std::size_t size = 0; size < whole.signature.size(); ++size) {
    Assertion cut = whole;
    cut.signature.resize(size);
    EXPECT_NE(answer(signer.about(), cut), "yes") << size;
  }
  Assertion longer = whole;
  longer.signature.push_back(0);
  EXPECT_NE(answer(signer.about(), longer), "yes");
}

TEST_P(KeyFile, AnAuthenticatorsAssertionIsRefused) {
  Assertion assertion = signer.approve(challenge);
  assertion.client_data_json = bytes_of(client_data_of(challenge));
  EXPECT_NE(answer(signer.about(), assertion), "yes");
  assertion = signer.approve(challenge);
  assertion.authenticator_data = Ceremony().authenticator_data();
  EXPECT_NE(answer(signer.about(), assertion), "yes");
  const Ceremony ceremony{.more_data = {}, .client_data = client_data_of(challenge)};
  EXPECT_NE(answer(signer.about(), signer.assert_with(ceremony)), "yes");
}

TEST(ApprovalChallenge, IsMadeAsDocumented) {
  const Bytes expected = bytes_of("gims approval challenge 1\n") + Bytes{0x01, 0x02} +
                         Bytes{0, 0, 0, 4} + bytes_of("body") + Bytes{0, 0, 0, 2} + Bytes{7, 8} +
                         Bytes{0, 0, 0, 4} + bytes_of("site");
  EXPECT_EQ(challenge_of(0x0102, bytes_of("body"), Bytes{7, 8}, bytes_of("site")),
            test::sha256_of(expected));
}

TEST(ApprovalChallenge, IsAnotherForAnyOtherPart) {
  const auto usual = challenge_of(1, bytes_of("ab"), Bytes{1}, bytes_of("s"));
  EXPECT_NE(usual, challenge_of(2, bytes_of("ab"), Bytes{1}, bytes_of("s")));
  EXPECT_NE(usual, challenge_of(1, bytes_of("ac"), Bytes{1}, bytes_of("s")));
  EXPECT_NE(usual, challenge_of(1, bytes_of("ab"), Bytes{2}, bytes_of("s")));
  EXPECT_NE(usual, challenge_of(1, bytes_of("ab"), Bytes{1}, bytes_of("t")));
  // Bytes that move from one part to the next.
  EXPECT_NE(usual, challenge_of(1, bytes_of("a"), bytes_of("b") + Bytes{1}, bytes_of("s")));
  EXPECT_NE(challenge_of(1, {}, {}, bytes_of("s")), challenge_of(1, {}, bytes_of("s"), {}));
}

TEST(ApprovalAssertion, ComesBackAsItWasAndHasOneForm) {
  const Signer signer("Äsha", KeyKind::webauthn_es256);
  const Assertion assertion = signer.approve(challenge, 77);
  Bytes room(4096);
  Writer writer(room);
  encode(writer, assertion);
  const BytesView body = writer.body();
  const auto decoded = decode_assertion(body);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(*decoded, assertion);
  for (std::size_t size = 0; size < body.size(); ++size) {
    const auto cut = decode_assertion(body.first(size));
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, "GIMS_KEYD_FRAME");
  }
  EXPECT_FALSE(decode_assertion(Bytes(body.begin(), body.end()) + Bytes{0}));
}

TEST(ApprovalAssertion, IsBounded) {
  const auto taken = [](const Assertion& assertion) {
    Bytes room(8192);
    Writer writer(room);
    encode(writer, assertion);
    return decode_assertion(writer.body()).has_value();
  };
  const Assertion largest{.who = std::string(max_name, 'a'),
                          .signature = Bytes(max_signature, 1),
                          .authenticator_data = Bytes(authenticator_data_size, 1),
                          .client_data_json = Bytes(max_client_data, 1)};
  EXPECT_TRUE(taken(largest));
  Assertion over = largest;
  over.who += 'a';
  EXPECT_FALSE(taken(over));
  for (Bytes Assertion::* const field :
       {&Assertion::signature, &Assertion::authenticator_data, &Assertion::client_data_json}) {
    over = largest;
    (over.*field).push_back(1);
    EXPECT_FALSE(taken(over));
  }
}

}  // namespace
}  // namespace gims::hsm::approval
