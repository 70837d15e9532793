// The record layer after the handshake, with the client's side made from the same keys; that the
// bytes are TLS's own is shown by OpenSSL's client (session_test.cpp) and RFC 8448
// (record_keys_test.cpp).
#include "tls/records.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <string_view>

namespace gims::tls {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Step = Records::Step;

constexpr std::uint16_t suite = 0x1303;
TrafficSecret secret_of(std::uint8_t which) { return TrafficSecret(Bytes(32, which)); }
std::unique_ptr<RecordKeys> client_keys() { return RecordKeys::create(suite, secret_of(1), 0); }
std::unique_ptr<RecordKeys> server_keys() { return RecordKeys::create(suite, secret_of(2), 0); }

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

// What the client sends lies in `incoming`; what the server sends comes into `sent`.
class FakeSocket final : public RecordSocket {
 public:
  Moved receive(std::span<std::uint8_t> room) noexcept override {
    if (incoming.empty()) return {ended ? Outcome::ended : Outcome::blocked};
    const std::size_t size = std::min({room.size(), incoming.size(), at_a_time});
    std::copy_n(incoming.begin(), size, room.begin());
    incoming.erase(incoming.begin(), incoming.begin() + static_cast<std::ptrdiff_t>(size));
    return {Outcome::moved, size};
  }
  Moved send(std::span<const std::uint8_t> bytes) noexcept override {
    if (broken) return {Outcome::failed};
    const std::size_t size = std::min(bytes.size(), room_left);
    if (size == 0) return {Outcome::blocked};
    sent.insert(sent.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    room_left -= size;
    return {Outcome::moved, size};
  }
  Bytes incoming;
  Bytes sent;
  std::size_t at_a_time = 1'000'000;
  std::size_t room_left = 1'000'000;
  bool ended = false;
  bool broken = false;
};

struct Message {
  ContentType type;
  std::string content;
  bool operator==(const Message&) const = default;
};

class RecordsTest : public ::testing::Test {
 protected:
  void client_sends(ContentType type, std::string_view content) {
    Bytes record(content.size() + record_overhead);
    const Bytes bytes = bytes_of(content);
    record.resize(client_->seal(type, bytes, record));
    socket_.incoming.insert(socket_.incoming.end(), record.begin(), record.end());
  }
  // All records of `sent`, opened.
  std::vector<Message> client_reads() {
    std::vector<Message> messages;
    std::span<std::uint8_t> rest(socket_.sent);
    while (rest.size() >= record_header) {
      const std::size_t size = record_header + (std::size_t{rest[3]} << 8U) + rest[4];
      if (size > rest.size()) break;
      const auto opened = server_->open(rest.first(size));
      if (!opened) {
        ADD_FAILURE() << "a record that the client cannot open";
        break;
      }
      messages.push_back({opened->type, {opened->content.begin(), opened->content.end()}});
      rest = rest.subspan(size);
    }
    EXPECT_TRUE(rest.empty());
    socket_.sent.clear();
    return messages;
  }
  // One turn of a loop: what is there until the socket has no more.
  Step read_all() {
    Bytes out(most_plaintext);
    Records::Transfer transfer;
    do {
      transfer = records_.read(socket_, out, ahead_);
      if (transfer.step == Step::done) {
        received_.append(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(transfer.size));
      }
    } while (transfer.step == Step::done);
    records_.park(ahead_);
    EXPECT_EQ(ahead_.begin, ahead_.end);
    return transfer.step;
  }
  void expect_refused(std::uint8_t alert) {
    EXPECT_EQ(read_all(), Step::failed);
    const std::string text = {'\2', static_cast<char>(alert)};
    EXPECT_EQ(client_reads(), (std::vector<Message>{{ContentType::alert, text}}));
  }

  FakeSocket socket_;
  std::unique_ptr<RecordKeys> client_ = client_keys();
  std::unique_ptr<RecordKeys> server_ = server_keys();
  Records records_{client_keys(), server_keys()};
  ReadAhead ahead_;
  std::string received_;
};

constexpr std::string_view update_asked("\x18\0\0\1\1", 5);
constexpr std::string_view update_told("\x18\0\0\1\0", 5);

TEST_F(RecordsTest, ContentComesWholeHoweverItIsCut) {
  const std::string large(most_plaintext, 'x');
  for (const std::size_t at_a_time : {1UL, 7UL, 1000UL, 100'000UL}) {
    received_.clear();
    for (const std::string_view part :
         {std::string_view("one"), std::string_view(large), std::string_view("two")}) {
      client_sends(ContentType::application_data, part);
    }
    // A turn after each piece.
    Bytes all = std::exchange(socket_.incoming, {});
    for (std::size_t at = 0; at < all.size(); at += at_a_time) {
      const auto piece = std::span(all).subspan(at, std::min(at_a_time, all.size() - at));
      socket_.incoming.assign(piece.begin(), piece.end());
      ASSERT_EQ(read_all(), Step::blocked);
    }
    EXPECT_EQ(received_, "one" + large + "two");
  }
}

TEST_F(RecordsTest, RecordsThatCameTogetherAreReadInOneTurn) {
  for (int i = 0; i < 2000; ++i) client_sends(ContentType::application_data, "0123456789");
  EXPECT_EQ(read_all(), Step::blocked);
  EXPECT_EQ(received_.size(), 20'000U);
}

TEST_F(RecordsTest, ARecordThatIsSentInPartsGoesOnWhereItWas) {
  const Bytes text = bytes_of("answer");
  socket_.room_left = 4;
  EXPECT_EQ(records_.write(socket_, text).step, Step::blocked);
  EXPECT_EQ(records_.write(socket_, text).step, Step::blocked);
  socket_.room_left = 3;
  EXPECT_EQ(records_.write(socket_, text).step, Step::blocked);
  socket_.room_left = 1000;
  const auto done = records_.write(socket_, text);
  EXPECT_EQ(done.step, Step::done);
  EXPECT_EQ(done.size, text.size());
  EXPECT_EQ(client_reads(), (std::vector<Message>{{ContentType::application_data, "answer"}}));
}

TEST_F(RecordsTest, AWriteIsARecordAtMost) {
  const Bytes text(most_plaintext + 1, 'a');
  EXPECT_EQ(records_.write(socket_, text).size, most_plaintext);
  EXPECT_EQ(client_reads().size(), 1U);
  socket_.broken = true;
  EXPECT_EQ(records_.write(socket_, text).step, Step::failed);
}

TEST_F(RecordsTest, EndsByCloseNotifyEachWay) {
  client_sends(ContentType::application_data, "last");
  client_sends(ContentType::alert, std::string_view("\1\0", 2));
  EXPECT_EQ(read_all(), Step::closed);
  EXPECT_EQ(received_, "last");
  socket_.room_left = 5;
  EXPECT_EQ(records_.close_notify(socket_), Step::blocked);
  socket_.room_left = 1000;
  EXPECT_EQ(records_.close_notify(socket_), Step::done);
  EXPECT_EQ(records_.close_notify(socket_), Step::done);
  const std::string notify("\1\0", 2);
  EXPECT_EQ(client_reads(), (std::vector<Message>{{ContentType::alert, notify}}));
}

TEST_F(RecordsTest, AnEndWithoutCloseNotifyIsAFailure) {
  client_sends(ContentType::application_data, "last");
  socket_.ended = true;
  EXPECT_EQ(read_all(), Step::failed);
  EXPECT_EQ(received_, "last");
}

TEST_F(RecordsTest, AlertsOfTheClient) {
  client_sends(ContentType::alert, "\1\x5a");  // user_canceled: ignored
  client_sends(ContentType::application_data, "on");
  EXPECT_EQ(read_all(), Step::blocked);
  EXPECT_EQ(received_, "on");
  client_sends(ContentType::alert, "\2\x14");
  EXPECT_EQ(read_all(), Step::failed);
  EXPECT_TRUE(socket_.sent.empty());
}

TEST_F(RecordsTest, NewKeysOfTheClientAreTakenAndAnsweredBeforeTheNextContent) {
  client_sends(ContentType::handshake, update_asked);
  ASSERT_TRUE(client_->update());
  client_sends(ContentType::handshake, update_asked);
  ASSERT_TRUE(client_->update());
  client_sends(ContentType::application_data, "new");
  EXPECT_EQ(read_all(), Step::blocked);
  EXPECT_EQ(received_, "new");
  EXPECT_TRUE(socket_.sent.empty());
  const Bytes text = bytes_of("answer");
  EXPECT_EQ(records_.write(socket_, text).step, Step::done);
  // The KeyUpdate is under the old keys.
  Bytes update(socket_.sent.begin(), socket_.sent.begin() + 5 + record_overhead);
  const auto opened = server_->open(update);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->type, ContentType::handshake);
  EXPECT_TRUE(std::ranges::equal(opened->content, update_told));
  ASSERT_TRUE(server_->update());
  socket_.sent.erase(socket_.sent.begin(), socket_.sent.begin() + 5 + record_overhead);
  EXPECT_EQ(client_reads(), (std::vector<Message>{{ContentType::application_data, "answer"}}));
  // One that does not ask is not answered.
  client_sends(ContentType::handshake, update_told);
  ASSERT_TRUE(client_->update());
  EXPECT_EQ(read_all(), Step::blocked);
  EXPECT_EQ(records_.write(socket_, text).step, Step::done);
  EXPECT_EQ(client_reads().size(), 1U);
}

// RFC 8446, section 6: unexpected_message 10, bad_record_mac 20, record_overflow 22, decode_error
// 50.
TEST_F(RecordsTest, ARecordInTheClearIsRefused) {
  for (const auto type : std::to_array<std::uint8_t>({20, 21, 22, 24})) {
    const Bytes plain = {type, 3, 3, 0, 1, 1};
    FakeSocket socket;
    socket.incoming = plain;
    Records records(client_keys(), server_keys());
    Bytes out(most_plaintext);
    ReadAhead ahead;
    EXPECT_EQ(records.read(socket, out, ahead).step, Step::failed);
    socket_.sent = socket.sent;
    server_ = server_keys();
    EXPECT_EQ(client_reads(), (std::vector<Message>{{ContentType::alert, "\2\12"}}));
  }
}

TEST_F(RecordsTest, AChangedRecordIsRefused) {
  client_sends(ContentType::application_data, "text");
  socket_.incoming.back() ^= 1;
  expect_refused(20);
}

TEST_F(RecordsTest, ATooLongRecordIsRefusedByItsHead) {
  socket_.incoming = {23, 3, 3, 0x41, 0x01};  // 16,641
  expect_refused(22);
}

TEST_F(RecordsTest, ATooShortRecordIsRefused) {
  socket_.incoming = {23, 3, 3, 0, 16};
  expect_refused(20);
}

TEST_F(RecordsTest, OtherHandshakeMessagesAreRefused) {
  client_sends(ContentType::handshake, std::string_view("\1\0\0\1\0", 5));
  expect_refused(10);
}

TEST_F(RecordsTest, AChangeOfCipherSpecThatIsProtectedIsRefused) {
  client_sends(ContentType::change_cipher_spec, "\1");
  expect_refused(10);
}

TEST_F(RecordsTest, AMalformedKeyUpdateIsRefused) {
  for (const std::string_view bad :
       {std::string_view("\x18\0\0\1\2", 5), std::string_view("\x18\0\0\1", 4),
        std::string_view("\x18\0\0\1\0\x18\0\0\1\0", 10), std::string_view("\x18\0\1\1\0", 5)}) {
    Records records(client_keys(), server_keys());
    client_ = client_keys();
    FakeSocket socket;
    socket_.incoming.clear();
    client_sends(ContentType::handshake, bad);
    socket.incoming = socket_.incoming;
    Bytes out(most_plaintext);
    ReadAhead ahead;
    EXPECT_EQ(records.read(socket, out, ahead).step, Step::failed) << bad.size();
    socket_.sent = socket.sent;
    server_ = server_keys();
    EXPECT_EQ(client_reads(), (std::vector<Message>{{ContentType::alert, "\2\x32"}}));
  }
}

TEST_F(RecordsTest, RecordsWithoutContentAreBoundedInARow) {
  for (int i = 0; i < 32; ++i) client_sends(ContentType::application_data, "");
  client_sends(ContentType::application_data, "x");
  for (int i = 0; i < 32; ++i) client_sends(ContentType::application_data, "");
  EXPECT_EQ(read_all(), Step::blocked);
  EXPECT_EQ(received_, "x");
  client_sends(ContentType::application_data, "");
  expect_refused(10);
}

}  // namespace
}  // namespace gims::tls
