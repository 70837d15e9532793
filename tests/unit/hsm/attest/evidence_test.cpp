#include "hsm/attest/evidence.hpp"

#include <gtest/gtest.h>

#include "json/canonical.hpp"
#include "json/value.hpp"
#include "support/attest_unit.hpp"

namespace gims::hsm::attest {
namespace {

Evidence some_evidence() {
  test::AttestUnit unit;
  unit.measure(11, test::digest_of("kernel"), ".linux");
  unit.measure_later(11, test::digest_of("enter-initrd"), "enter-initrd");
  return unit.evidence({1, 2, 3});
}

TEST(Evidence, ComesBackAsItWas) {
  const Evidence evidence = some_evidence();
  const std::string json = encode_evidence(evidence);
  const auto decoded = decode_evidence(json);
  ASSERT_TRUE(decoded) << decoded.error().text;
  EXPECT_EQ(*decoded, evidence);
}

TEST(Evidence, IsCanonicalJson) {
  const std::string json = encode_evidence(some_evidence());
  const auto document = json::Document::parse(json);
  ASSERT_TRUE(document);
  EXPECT_EQ(*json::canonical(document->root()), json);
}

TEST(Evidence, TheLargestIsTaken) {
  Evidence evidence = some_evidence();
  evidence.firmware_log.assign(max_event_log, 0xFF);
  evidence.userspace_log.assign(max_event_log, 0xFF);
  evidence.stated.endorsement_certificate.assign(max_endorsement_certificate, 1);
  const auto decoded = decode_evidence(encode_evidence(evidence));
  ASSERT_TRUE(decoded) << decoded.error().text;
  evidence.firmware_log.push_back(1);
  EXPECT_FALSE(decode_evidence(encode_evidence(evidence)));
}

TEST(Evidence, WithoutAnyOneMemberItIsRefused) {
  const auto document = json::Document::parse(encode_evidence(some_evidence()));
  ASSERT_TRUE(document);
  for (const auto& [key, value] : document->root().object()) {
    std::string without = "{";
    for (const auto& [other, content] : document->root().object()) {
      if (other == key) continue;
      if (without.size() > 1) without += ",";
      without += "\"" + std::string(other) + "\":" + content.to_text();
    }
    EXPECT_FALSE(decode_evidence(without + "}")) << key;
  }
}

TEST(Evidence, WhatIsNoneIsRefused) {
  const std::string json = encode_evidence(some_evidence());
  EXPECT_FALSE(decode_evidence(""));
  EXPECT_FALSE(decode_evidence("[]"));
  EXPECT_FALSE(decode_evidence(json.substr(0, json.size() - 1)));
  std::string later = json;
  later.replace(later.rfind("\"version\":1"), 11, "\"version\":2");
  const auto refused = decode_evidence(later);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text, "This is of a later version than this program reads.");
  std::string short_nonce = json;
  short_nonce.replace(short_nonce.find("\"nonce\":\"01"), 11, "\"nonce\":\"");
  EXPECT_FALSE(decode_evidence(short_nonce));
  EXPECT_FALSE(decode_evidence(std::string(max_evidence + 1, ' ')));
}

TEST(AuditCertificateFile, ComesBackAsItWas) {
  const test::AttestUnit unit;
  const AuditCertificate certificate = unit.certificate();
  const auto decoded = decode_certificate(encode_certificate(certificate));
  ASSERT_TRUE(decoded) << decoded.error().text;
  EXPECT_EQ(*decoded, certificate);
  EXPECT_FALSE(decode_certificate("{}"));
}

TEST(Nonce, Is64HexDigits) {
  EXPECT_TRUE(nonce_from_hex(std::string(64, 'a')));
  for (const std::string& wrong :
       {std::string(), std::string(63, 'a'), std::string(66, 'a'), std::string(63, 'a') + "g"}) {
    EXPECT_FALSE(nonce_from_hex(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace gims::hsm::attest
