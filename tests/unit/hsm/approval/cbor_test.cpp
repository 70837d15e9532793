#include "hsm/approval/cbor.hpp"

#include <gtest/gtest.h>

namespace gims::hsm::approval {
namespace {

// RFC 8949, appendix A.
TEST(Cbor, ReadsNumbers) {
  const auto number = [](Bytes bytes) -> std::optional<std::int64_t> {
    CborReader reader(bytes);
    const std::int64_t read = reader.number();
    return reader.finish() ? std::optional(read) : std::nullopt;
  };
  EXPECT_EQ(number({0x00}), 0);
  EXPECT_EQ(number({0x17}), 23);
  EXPECT_EQ(number({0x18, 0x18}), 24);
  EXPECT_EQ(number({0x19, 0x03, 0xe8}), 1000);
  EXPECT_EQ(number({0x1a, 0x00, 0x0f, 0x42, 0x40}), 1000000);
  EXPECT_EQ(number({0x20}), -1);
  EXPECT_EQ(number({0x38, 0x63}), -100);
  EXPECT_EQ(number({0x39, 0x03, 0xe7}), -1000);
  EXPECT_EQ(number({0x1a, 0x7f, 0xff, 0xff, 0xff}), 0x7fffffff);
}

TEST(Cbor, TakesTheShortestFormAlone) {
  for (const Bytes& bytes :
       {Bytes{0x18, 0x17}, Bytes{0x19, 0x00, 0xff}, Bytes{0x1a, 0, 0, 0xff, 0xff},
        Bytes{0x1a, 0x80, 0, 0, 0}, Bytes{0x1b, 0, 0, 0, 1, 0, 0, 0, 0}, Bytes{0x1c}, Bytes{0x1f},
        Bytes{0x19, 0x03}, Bytes{}}) {
    CborReader reader(bytes);
    EXPECT_EQ(reader.number(), 0);
    EXPECT_FALSE(reader.good());
  }
}

TEST(Cbor, ReadsStringsAndMaps) {
  const Bytes bytes{0xa1, 0x63, 'f', 'm', 't', 0x42, 1, 2};
  CborReader reader(bytes);
  EXPECT_EQ(reader.map(), 1U);
  EXPECT_EQ(reader.text(), "fmt");
  const BytesView read = reader.bytes();
  EXPECT_EQ(Bytes(read.begin(), read.end()), (Bytes{1, 2}));
  EXPECT_TRUE(reader.finish());
}

TEST(Cbor, AnotherKindOrLengthIsBadForGood) {
  const Bytes text{0x61, 'a', 0x00};
  CborReader as_bytes(text);
  EXPECT_TRUE(as_bytes.bytes().empty());
  EXPECT_EQ(as_bytes.number(), 0);
  EXPECT_FALSE(as_bytes.good());
  const Bytes cut{0x44, 1, 2};
  CborReader reader(cut);
  EXPECT_TRUE(reader.bytes().empty());
  EXPECT_FALSE(reader.good());
  const Bytes indefinite{0xbf, 0xff};
  CborReader map(indefinite);
  EXPECT_EQ(map.map(), 0U);
  EXPECT_FALSE(map.good());
}

TEST(Cbor, WhatIsLeftIsNoEnd) {
  const Bytes bytes{0x00, 0x00};
  CborReader reader(bytes);
  EXPECT_EQ(reader.number(), 0);
  EXPECT_TRUE(reader.good());
  EXPECT_FALSE(reader.finish());
}

}  // namespace
}  // namespace gims::hsm::approval
