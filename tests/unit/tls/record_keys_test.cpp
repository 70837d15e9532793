#include "tls/record_keys.hpp"

#include <gtest/gtest.h>

#include <numeric>
#include <string_view>
#include <vector>

namespace gims::tls {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes hex(std::string_view text) {
  Bytes bytes;
  unsigned nibbles = 0;
  unsigned value = 0;
  for (const char c : text) {
    const std::size_t digit = std::string_view("0123456789abcdef").find(c);
    if (digit == std::string_view::npos) continue;
    value = value * 16 + static_cast<unsigned>(digit);
    if (++nibbles % 2 == 0) bytes.push_back(static_cast<std::uint8_t>(std::exchange(value, 0)));
  }
  return bytes;
}

// RFC 8448, section 3: TLS_AES_128_GCM_SHA256.
constexpr std::uint16_t aes_128 = 0x1301;
const Bytes client_secret = hex("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5");
const Bytes server_secret = hex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643");
const Bytes client_record = hex(
    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e"
    "2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4");
const Bytes server_record = hex(
    "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf97d90e6dffc602dcb501a59"
    "a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d");
const Bytes client_alert = hex("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3");
const Bytes server_alert = hex("1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9");

Bytes fifty() {
  Bytes bytes(50);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

Bytes sealed(RecordKeys& keys, ContentType type, const Bytes& content) {
  Bytes out(content.size() + record_overhead);
  out.resize(keys.seal(type, content, out));
  return out;
}

TEST(RecordKeys, ExpandLabelGivesTheRfcsKeyAndIv) {
  Bytes key(16);
  Bytes iv(12);
  ASSERT_TRUE(expand_label(server_secret, "key", key));
  ASSERT_TRUE(expand_label(server_secret, "iv", iv));
  EXPECT_EQ(key, hex("9f02283b6c9c07efc26bb9f2ac92e356"));
  EXPECT_EQ(iv, hex("cf782b88dd83549aadf1e984"));
  EXPECT_FALSE(expand_label(hex("00"), "key", key));
}

TEST(RecordKeys, SealsTheRfcsRecords) {
  // The server's ticket was its record 0.
  const auto keys = RecordKeys::create(aes_128, TrafficSecret(server_secret), 1);
  ASSERT_TRUE(keys);
  EXPECT_EQ(sealed(*keys, ContentType::application_data, fifty()), server_record);
  EXPECT_EQ(sealed(*keys, ContentType::alert, {1, 0}), server_alert);
}

TEST(RecordKeys, OpensTheRfcsRecords) {
  const auto keys = RecordKeys::create(aes_128, TrafficSecret(client_secret), 0);
  ASSERT_TRUE(keys);
  Bytes record = client_record;
  const auto data = keys->open(record);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->type, ContentType::application_data);
  EXPECT_EQ(Bytes(data->content.begin(), data->content.end()), fifty());
  Bytes alert = client_alert;
  const auto end = keys->open(alert);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->type, ContentType::alert);
  EXPECT_EQ(Bytes(end->content.begin(), end->content.end()), (Bytes{1, 0}));
}

TEST(RecordKeys, RefusesWhatIsNotTheNextRecordUnchanged) {
  for (std::size_t i = 0; i < client_record.size(); ++i) {
    const auto keys = RecordKeys::create(aes_128, TrafficSecret(client_secret), 0);
    Bytes record = client_record;
    record[i] ^= 1;
    EXPECT_FALSE(keys->open(record)) << i;
  }
  const auto later = RecordKeys::create(aes_128, TrafficSecret(client_secret), 1);
  Bytes record = client_record;
  EXPECT_FALSE(later->open(record));
  Bytes empty(record_overhead - 1);
  EXPECT_FALSE(later->open(empty));
}

class EachSuite : public ::testing::TestWithParam<std::uint16_t> {
 protected:
  static TrafficSecret secret() { return TrafficSecret(Bytes(GetParam() == 0x1302 ? 48 : 32, 7)); }
};
INSTANTIATE_TEST_SUITE_P(RecordKeys, EachSuite, ::testing::Values(0x1301, 0x1302, 0x1303));

TEST_P(EachSuite, WhatIsSealedOpensInItsOrder) {
  const auto writer = RecordKeys::create(GetParam(), secret(), 0);
  const auto reader = RecordKeys::create(GetParam(), secret(), 0);
  ASSERT_TRUE(writer && reader);
  for (const std::size_t size : {0UL, 1UL, 50UL, most_plaintext}) {
    const Bytes content(size, 'c');
    Bytes record = sealed(*writer, ContentType::application_data, content);
    EXPECT_EQ(record.size(), size + record_overhead);
    const auto opened = reader->open(record);
    ASSERT_TRUE(opened) << size;
    EXPECT_TRUE(std::ranges::equal(opened->content, content));
  }
  Bytes room(most_plaintext + 1 + record_overhead);
  EXPECT_EQ(writer->seal(ContentType::application_data, Bytes(most_plaintext + 1), room), 0U);
}

TEST_P(EachSuite, AnUpdateChangesTheKeysOfBothTheSame) {
  const auto writer = RecordKeys::create(GetParam(), secret(), 5);
  const auto reader = RecordKeys::create(GetParam(), secret(), 5);
  const auto old = RecordKeys::create(GetParam(), secret(), 0);
  ASSERT_TRUE(writer->update() && reader->update());
  Bytes record = sealed(*writer, ContentType::application_data, fifty());
  Bytes copy = record;
  EXPECT_TRUE(reader->open(record));
  EXPECT_FALSE(old->open(copy));
}

// Section 5.5: no number is used twice.
TEST_P(EachSuite, NumbersEnd) {
  const auto keys = RecordKeys::create(GetParam(), secret(), ~std::uint64_t{0});
  Bytes room(100);
  EXPECT_EQ(keys->seal(ContentType::alert, Bytes{1, 0}, room), 0U);
}

TEST(RecordKeys, TheNextSecretIsTheOneOfTheLabel) {
  Bytes next(32);
  ASSERT_TRUE(expand_label(server_secret, "traffic upd", next));
  const auto updated = RecordKeys::create(aes_128, TrafficSecret(server_secret), 3);
  ASSERT_TRUE(updated->update());
  const auto fresh = RecordKeys::create(aes_128, TrafficSecret(next), 0);
  EXPECT_EQ(sealed(*updated, ContentType::application_data, fifty()),
            sealed(*fresh, ContentType::application_data, fifty()));
}

TEST(RecordKeys, OtherSuitesAndSecretsHaveNoKeys) {
  EXPECT_FALSE(RecordKeys::create(0xC02B, TrafficSecret(server_secret), 0));
  EXPECT_FALSE(RecordKeys::create(0x1302, TrafficSecret(server_secret), 0));
  EXPECT_FALSE(RecordKeys::create(aes_128, TrafficSecret(Bytes(48)), 0));
}

}  // namespace
}  // namespace gims::tls
