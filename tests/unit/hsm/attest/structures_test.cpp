#include "hsm/attest/structures.hpp"

#include <gtest/gtest.h>

#include "support/attest_unit.hpp"

namespace gims::hsm::attest {
namespace {

using test::attest_head;
using test::public_area;
using test::TpmBytes;

const P256Key& key() {
  static const P256Key made = *generate_p256();
  return made;
}

Bytes rsa_area(std::uint16_t bits, std::uint32_t exponent, std::size_t size) {
  TpmBytes out;
  out.u16(1).u16(0x000B).u32(test::endorsement_attributes).sized(Bytes(32, 9));
  out.u16(0x0006).u16(128).u16(0x0043).u16(0x0010);
  return out.u16(bits).u32(exponent).sized(Bytes(size, 0xC5)).bytes();
}

TEST(TpmPublic, IsReadWhole) {
  const auto signing =
      parse_public(public_area(key().public_key, test::attestation_attributes, true));
  ASSERT_TRUE(signing) << signing.error().text;
  EXPECT_EQ(signing->point, key().public_key);
  EXPECT_TRUE(is_attestation_key(*signing));
  EXPECT_FALSE(is_endorsement_key(*signing));
  const auto decrypting =
      parse_public(public_area(key().public_key, test::endorsement_attributes, false));
  ASSERT_TRUE(decrypting);
  EXPECT_TRUE(is_endorsement_key(*decrypting));
  EXPECT_FALSE(is_attestation_key(*decrypting));
  const auto rsa = parse_public(rsa_area(2048, 0, 256));
  ASSERT_TRUE(rsa) << rsa.error().text;
  EXPECT_EQ(rsa->modulus, Bytes(256, 0xC5));
  EXPECT_EQ(rsa->exponent, 65537U);
  EXPECT_TRUE(is_endorsement_key(*rsa));
}

TEST(TpmPublic, AKeyThatIsNotBoundOrNotRestrictedAttestsNothing) {
  for (const unsigned bit : {1U, 4U, 5U, 16U, 18U}) {
    const auto attributes = test::attestation_attributes & ~(1U << bit);
    const auto parsed = parse_public(public_area(key().public_key, attributes, true));
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(is_attestation_key(*parsed)) << bit;
  }
  for (const unsigned bit : {1U, 4U, 5U, 16U, 17U}) {
    const auto attributes = test::endorsement_attributes & ~(1U << bit);
    const auto parsed = parse_public(public_area(key().public_key, attributes, false));
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(is_endorsement_key(*parsed)) << bit;
  }
  const auto both =
      parse_public(public_area(key().public_key, test::attestation_attributes | (1U << 17U), true));
  ASSERT_TRUE(both);
  EXPECT_FALSE(is_attestation_key(*both));
}

TEST(TpmPublic, WhatIsCutTooLongOrOfAnotherKindIsRefused) {
  Bytes area = public_area(key().public_key, test::attestation_attributes, true);
  for (std::size_t size = 0; size < area.size(); ++size) {
    EXPECT_FALSE(parse_public(BytesView(area).first(size))) << size;
  }
  Bytes longer = area;
  longer.push_back(0);
  EXPECT_FALSE(parse_public(longer));
  for (const std::size_t at : {1U, 3U, 11U, 13U, 15U, 17U, 19U}) {  // each algorithm and the curve
    Bytes changed = area;
    changed[at] ^= 0x40U;
    EXPECT_FALSE(parse_public(changed)) << at;
  }
  area.back() ^= 1U;
  EXPECT_FALSE(parse_public(area)) << "a point that is not on the curve";
  EXPECT_FALSE(parse_public(rsa_area(1024, 0, 128)));
  EXPECT_FALSE(parse_public(rsa_area(2048, 3, 256)));
  EXPECT_FALSE(parse_public(rsa_area(2048, 0, 255)));
}

TEST(TpmAttest, TellsWhatWasQuoted) {
  TpmBytes out = attest_head(0x8018, Bytes{5, 6});
  out.u32(1).u16(0x000B).number(3, 1).raw(Bytes{0x10, 0x80, 0}).sized(Bytes(32, 4));
  const auto quote = parse_attest(out.bytes());
  ASSERT_TRUE(quote) << quote.error().text;
  EXPECT_EQ(quote->kind, Attested::Kind::quote);
  EXPECT_EQ(quote->qualifying, (Bytes{5, 6}));
  EXPECT_EQ(quote->pcrs, 0x8010U);
  EXPECT_EQ(quote->pcr_digest, Bytes(32, 4));
  EXPECT_EQ(quote->clock, 123456U);
  EXPECT_EQ(quote->resets, 3U);
}

TEST(TpmAttest, TellsWhatAnIndexHolds) {
  TpmBytes out = attest_head(0x8014, {});
  out.sized(Bytes(34, 3)).u16(0).sized(Bytes{0, 0, 0, 0, 0, 0, 0, 9});
  const auto index = parse_attest(out.bytes());
  ASSERT_TRUE(index) << index.error().text;
  EXPECT_EQ(index->kind, Attested::Kind::nv);
  EXPECT_EQ(index->index_name, Bytes(34, 3));
  EXPECT_EQ(index->contents.back(), 9);
}

TEST(TpmAttest, WhatIsCutTooLongOrOfAnotherKindIsRefused) {
  TpmBytes out = attest_head(0x8018, Bytes{5, 6});
  out.u32(1).u16(0x000B).number(3, 1).raw(Bytes{0x10, 0x80, 0}).sized(Bytes(32, 4));
  Bytes whole = out.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_attest(BytesView(whole).first(size))) << size;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_FALSE(parse_attest(longer));
  Bytes made_outside = whole;
  made_outside[0] = 0;
  EXPECT_FALSE(parse_attest(made_outside));
  Bytes of_a_key = whole;
  of_a_key[5] = 0x17;  // TPM2_Certify
  EXPECT_FALSE(parse_attest(of_a_key));
  TpmBytes two_banks = attest_head(0x8018, {});
  two_banks.u32(2).u16(0x000B).number(3, 1).raw(Bytes{1, 0, 0});
  two_banks.u16(0x0004).number(3, 1).raw(Bytes{1, 0, 0}).sized(Bytes(32, 4));
  EXPECT_FALSE(parse_attest(two_banks.bytes()));
  TpmBytes inside = attest_head(0x8014, {});
  inside.sized(Bytes(34, 3)).u16(4).sized(Bytes(4, 9));
  EXPECT_FALSE(parse_attest(inside.bytes())) << "not from the index's start on";
}

}  // namespace
}  // namespace gims::hsm::attest
