#include "matrix/signed_json.hpp"

#include <gtest/gtest.h>

#include <string>

#include "json/edit.hpp"
#include "matrix/hashes.hpp"

namespace gims::matrix {
namespace {

// Spec: appendices, "Cryptographic Test Vectors".
class TestVectors : public testing::Test {
 protected:
  crypto::SigningKey key_ =
      crypto::SigningKey::from_seed(
          crypto::from_base64("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1",
                              crypto::Alphabet::standard, crypto::Leftover::ignored)
              .value())
          .value();

  static json::Document read(std::string_view text) {
    auto document = json::Document::parse(text);
    EXPECT_TRUE(document);
    return document ? *std::move(document) : json::Document();
  }
  [[nodiscard]] std::string signature_of(std::string_view text) const {
    return crypto::base64(key_.sign(crypto::as_bytes(text)));
  }
  [[nodiscard]] bool verifies(std::string_view text) const {
    const json::Document document = read(text);
    return verify_signed_json(document.root(), "domain", "ed25519:1", key_.public_key());
  }
};

constexpr std::string_view signed_object =
    R"({"one": 1, "signatures": {"domain": {"ed25519:1":
    "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw"}},
    "two": "Two"})";

TEST_F(TestVectors, SignsObjects) {
  const json::Document empty = read("{}");
  EXPECT_EQ(
      signature_of(signed_part(empty.root()).value()),
      "K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ");
  const json::Document object = read(R"({"one": 1, "two": "Two"})");
  EXPECT_EQ(
      signature_of(signed_part(object.root()).value()),
      "KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw");
}

TEST_F(TestVectors, OnlyObjectsAreSigned) {
  for (const std::string_view other : {"[]", "1", "null", R"("text")"}) {
    const json::Document document = read(other);
    const auto refused = signed_part(document.root());
    ASSERT_FALSE(refused) << other;
    EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
    EXPECT_EQ(refused.error().code, "M_BAD_JSON");
  }
}

TEST_F(TestVectors, VerifiesObjects) {
  EXPECT_TRUE(verifies(signed_object));
  const json::Document object = read(signed_object);
  EXPECT_TRUE(verifies(json::with_member(object.root(), "unsigned", R"({"age_ts":1})")));
  EXPECT_FALSE(verifies(json::with_member(object.root(), "one", "2")));
  EXPECT_FALSE(verifies(json::with_member(object.root(), "three", "3")));
  EXPECT_FALSE(verifies(json::without_member(object.root(), "signatures")));
  EXPECT_FALSE(verify_signed_json(object.root(), "other", "ed25519:1", key_.public_key()));
  EXPECT_FALSE(verify_signed_json(object.root(), "domain", "ed25519:2", key_.public_key()));
  EXPECT_FALSE(verify_signed_json(json::Value(), "domain", "ed25519:1", key_.public_key()));
}

constexpr std::string_view minimal_event =
    R"({"room_id": "!x:domain", "sender": "@a:domain", "origin": "domain",
    "origin_server_ts": 1000000, "signatures": {}, "hashes": {}, "type": "X", "content": {},
    "prev_events": [], "auth_events": [], "depth": 3, "unsigned": {"age_ts": 1000000}})";

constexpr std::string_view event_with_content =
    R"({"content": {"body": "Here is the message content"}, "event_id": "$0:domain",
    "origin": "domain", "origin_server_ts": 1000000, "type": "m.room.message",
    "room_id": "!r:domain", "sender": "@u:domain", "signatures": {},
    "unsigned": {"age_ts": 1000000}})";

// The vectors are of rooms whose redaction keeps `origin`: of our versions, 10.
TEST_F(TestVectors, HashesAndSignsEvents) {
  const auto expect = [&](std::string_view text, std::string_view hash,
                          std::string_view signature) {
    const json::Document event = read(text);
    const std::string computed = content_hash(event.root()).value();
    EXPECT_EQ(computed, hash);
    const json::Document hashed =
        read(json::with_member(event.root(), "hashes", R"({"sha256":")" + computed + R"("})"));
    EXPECT_TRUE(content_hash_fits(hashed.root()));
    EXPECT_EQ(signature_of(bytes_to_sign(room_version_10(), hashed.root()).value()), signature);
  };
  expect(minimal_event, "5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos",
         "KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg");
  expect(event_with_content, "onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g",
         "Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA");
}

TEST_F(TestVectors, NoticesAContentHashThatDoesNotFit) {
  const json::Document event =
      read(R"({"content":{},"hashes":{"sha256":"5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos"}})");
  EXPECT_FALSE(content_hash_fits(event.root()));
  EXPECT_FALSE(content_hash_fits(read("{}").root()));
}

}  // namespace
}  // namespace gims::matrix
