// The 45 vectors that are published with SLIP-0039.
#include <gtest/gtest.h>
#include <sodium.h>

#include <fstream>
#include <iterator>

#include "hsm/slip39/collector.hpp"
#include "json/value.hpp"
#include "support/slip39_shares.hpp"

namespace gims::hsm::slip39 {
namespace {

struct Vector {
  std::string name;
  std::vector<std::string> mnemonics;
  std::string secret;  // hex; empty where these mnemonics give none
};

std::vector<Vector> read_vectors() {
  std::ifstream file(GIMS_SLIP39_VECTORS, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto document = json::Document::parse(text);
  std::vector<Vector> vectors;
  if (!document) return vectors;
  for (const json::Value one : document->root().array()) {
    vectors.push_back({.name = std::string(one.at(0).string_or("")),
                       .mnemonics = {},
                       .secret = std::string(one.at(2).string_or(""))});
    for (const json::Value mnemonic : one.at(1).array()) {
      vectors.back().mnemonics.emplace_back(mnemonic.string_or(""));
    }
  }
  return vectors;
}

std::string hex_of(const SecretBytes& secret) {
  std::string hex(2 * secret.size() + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), secret.bytes().data(), secret.size());
  hex.pop_back();
  return hex;
}

Result<SecretBytes> collect(const std::vector<std::string>& texts, const SecretBytes& passphrase) {
  Collector collector;
  for (const std::string& text : texts) GIMS_TRY(collector.add(text));
  return collector.done(passphrase);
}

TEST(Slip39Vectors, AllOfThem) {
  const SecretBytes passphrase = test::secret_text("TREZOR");
  const std::vector<Vector> vectors = read_vectors();
  ASSERT_EQ(vectors.size(), 45U);
  std::size_t good = 0;
  for (const Vector& vector : vectors) {
    const auto combined = test::combine_texts(vector.mnemonics, passphrase);
    const auto collected = collect(vector.mnemonics, passphrase);
    if (vector.secret.empty()) {
      ASSERT_FALSE(combined) << vector.name;
      ASSERT_FALSE(collected) << vector.name;
      EXPECT_EQ(combined.error().kind, ErrorKind::bad_input) << vector.name;
      continue;
    }
    ++good;
    ASSERT_TRUE(combined) << vector.name << ": " << combined.error().text;
    EXPECT_EQ(hex_of(*combined), vector.secret) << vector.name;
    ASSERT_TRUE(collected) << vector.name << ": " << collected.error().text;
    EXPECT_EQ(hex_of(*collected), vector.secret) << vector.name;
  }
  EXPECT_EQ(good, 15U);
}

TEST(Slip39Vectors, EveryGoodShareIsWrittenAsItWasRead) {
  std::size_t written = 0;
  for (const Vector& vector : read_vectors()) {
    for (const std::string& text : vector.mnemonics) {
      const auto share = decode(text);
      if (!share) continue;
      const auto again = encode(*share);
      ASSERT_TRUE(again) << vector.name;
      EXPECT_EQ(again->reveal(), text) << vector.name;
      ++written;
    }
  }
  EXPECT_GT(written, 60U);
}

TEST(Slip39Vectors, WhatIsWrongIsSaid) {
  const SecretBytes passphrase = test::secret_text("TREZOR");
  const std::vector<Vector> vectors = read_vectors();
  ASSERT_EQ(vectors.size(), 45U);
  const auto code = [&](std::size_t number) {
    return test::combine_texts(vectors[number - 1].mnemonics, passphrase).error().code;
  };
  for (const std::size_t checksum : {2U, 21U}) EXPECT_EQ(code(checksum), "GIMS_SLIP39_CHECKSUM");
  for (const std::size_t share : {3U, 10U, 22U, 29U}) {
    EXPECT_EQ(code(share), "GIMS_SLIP39_SHARE") << share;
  }
  for (const std::size_t set : {6U, 7U, 8U, 9U, 11U, 12U, 25U, 26U, 27U, 28U, 30U, 31U}) {
    EXPECT_EQ(code(set), "GIMS_SLIP39_SET") << set;
  }
  for (const std::size_t digest : {13U, 32U}) EXPECT_EQ(code(digest), "GIMS_SLIP39_DIGEST");
  for (const std::size_t quorum : {5U, 14U, 15U, 16U, 24U, 33U, 34U, 35U}) {
    EXPECT_EQ(code(quorum), "GIMS_SLIP39_QUORUM") << quorum;
  }
  for (const std::size_t words : {39U, 40U}) EXPECT_EQ(code(words), "GIMS_SLIP39_WORDS") << words;
}

}  // namespace
}  // namespace gims::hsm::slip39
