#include "hsm/proto/frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace gims::hsm {
namespace {

Bytes framed(const Header& header, BytesView body) {
  Bytes room(max_frame_size);
  Writer writer(room);
  writer.raw(body);
  const auto frame = writer.frame(header);
  EXPECT_TRUE(frame);
  return {frame->begin(), frame->end()};
}

TEST(KeydFrame, IsLaidOutAsDocumented) {
  const Bytes body{0xaa, 0xbb};
  const Bytes frame = framed(
      {.kind = Kind::request, .operation = Operation::sign_leaf, .number = 0x01020304}, body);
  const Bytes expected{'G', 'K', 1, 1, 0, 6, 0, 0, 1, 2, 3, 4, 0, 0, 0, 2, 0xaa, 0xbb};
  EXPECT_EQ(frame, expected);
}

TEST(KeydFrame, ComesBackAsItWas) {
  for (std::uint16_t operation = 0; operation < first_vault_operation; ++operation) {
    if (!is_operation(operation)) continue;
    for (const Kind kind : {Kind::request, Kind::reply, Kind::refusal}) {
      const Header header{
          .kind = kind, .operation = static_cast<Operation>(operation), .number = 7U + operation};
      const Bytes body(operation, 0x5a);
      const Bytes bytes = framed(header, body);
      const auto frame = decode_frame(bytes);
      ASSERT_TRUE(frame);
      EXPECT_EQ(frame->header.kind, kind);
      EXPECT_EQ(frame->header.operation, header.operation);
      EXPECT_EQ(frame->header.number, header.number);
      EXPECT_TRUE(std::ranges::equal(frame->body, body));
    }
  }
}

TEST(KeydFrame, EachProgramTakesItsOwnOperations) {
  for (std::uint16_t number = 0; number <= 2 * first_vault_operation; ++number) {
    const Bytes bytes = framed({.operation = static_cast<Operation>(number)}, {});
    EXPECT_EQ(decode_frame(bytes).has_value(),
              number < first_vault_operation && is_operation(number))
        << number;
    EXPECT_EQ(decode_frame(bytes, vault_operations).has_value(),
              number >= first_vault_operation && number <= last_vault_operation)
        << number;
  }
}

TEST(KeydFrame, CutAtAnyLengthOrWithBytesLeftOverIsRefused) {
  const Bytes bytes = framed({}, Bytes(20, 1));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto frame = decode_frame(BytesView(bytes).first(size));
    ASSERT_FALSE(frame) << size;
    EXPECT_EQ(frame.error().code, "GIMS_KEYD_FRAME");
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_frame(longer));
}

TEST(KeydFrame, AnyOtherHeaderByteIsRefused) {
  const Bytes bytes = framed({}, {});
  // Magic, kind, operation, zeros, length; the version has its own code; the number is free.
  for (const std::size_t at : {0U, 1U, 3U, 4U, 5U, 6U, 7U, 12U, 13U, 14U, 15U}) {
    Bytes changed = bytes;
    changed[at] = 0xee;
    const auto frame = decode_frame(changed);
    ASSERT_FALSE(frame) << at;
    EXPECT_EQ(frame.error().code, "GIMS_KEYD_FRAME") << at;
  }
  for (const std::uint8_t version : Bytes{0, 2, 255}) {
    Bytes changed = bytes;
    changed[2] = version;
    const auto frame = decode_frame(changed);
    ASSERT_FALSE(frame);
    EXPECT_EQ(frame.error().code, "GIMS_KEYD_VERSION");
  }
}

TEST(KeydFrame, OneByteOverTheLimitIsRefusedOnBothSides) {
  Bytes room(2 * max_frame_size);
  Writer fits(room);
  fits.raw(Bytes(max_body_size, 1));
  const auto largest = fits.frame({});
  ASSERT_TRUE(largest);
  EXPECT_EQ(largest->size(), max_frame_size);
  EXPECT_TRUE(decode_frame(*largest));

  Writer over(room);
  over.raw(Bytes(max_body_size + 1, 1));
  const auto refused = over.frame({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::too_large);

  Bytes bytes(max_frame_size + 1, 0);
  std::ranges::copy(framed({}, {}), bytes.begin());
  const std::size_t body = bytes.size() - header_size;
  bytes[13] = static_cast<std::uint8_t>(body >> 16U);
  bytes[14] = static_cast<std::uint8_t>(body >> 8U);
  bytes[15] = static_cast<std::uint8_t>(body);
  EXPECT_FALSE(decode_frame(bytes));
}

TEST(KeydWriter, WritesNothingPastItsRoom) {
  Bytes room(header_size + 4, 0xcc);
  Writer writer(room);
  writer.u32(1);
  writer.u8(2);
  writer.text("more");
  EXPECT_EQ(writer.body().size(), 4U);
  EXPECT_FALSE(writer.frame({}));
}

TEST(KeydReader, ReadsWhatTheWriterWrote) {
  Bytes room(256);
  Writer writer(room);
  writer.u8(1);
  writer.u16(0x0203);
  writer.u32(0x04050607);
  writer.u64(0x08090a0b0c0d0e0f);
  writer.bytes(Bytes{9, 9});
  writer.text("नमस्ते");
  Reader reader(writer.body());
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u32(), 0x04050607U);
  EXPECT_EQ(reader.u64(), 0x08090a0b0c0d0e0fU);
  EXPECT_TRUE(std::ranges::equal(reader.bytes(2), Bytes{9, 9}));
  EXPECT_FALSE(reader.finish());
  EXPECT_EQ(reader.text(64), "नमस्ते");
  EXPECT_TRUE(reader.finish());
}

TEST(KeydReader, RefusesWhatIsTooLongOrNoText) {
  Bytes room(256);
  Writer writer(room);
  writer.text("four");
  EXPECT_EQ(Reader(writer.body()).text(4), "four");
  Reader shorter(writer.body());
  EXPECT_EQ(shorter.text(3), "");
  EXPECT_FALSE(shorter.good());
  EXPECT_FALSE(shorter.finish());

  Writer control(room);
  control.text("a\nb");
  Reader reader(control.body());
  EXPECT_EQ(reader.text(64), "");
  EXPECT_FALSE(reader.good());

  // A length that promises more than there is.
  const Bytes lying{0xff, 0xff, 0xff, 0xff, 1};
  Reader liar(lying);
  EXPECT_TRUE(liar.bytes(0xffffffff).empty());
  EXPECT_FALSE(liar.good());
  EXPECT_EQ(liar.u8(), 0);
}

}  // namespace
}  // namespace gims::hsm
