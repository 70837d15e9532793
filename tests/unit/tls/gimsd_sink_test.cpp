#include "tls/gimsd_sink.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "support/temp_folder.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::tls {
namespace {

const sys::Handover handover{.door = sys::Door::console,
                             .carriage = sys::Carriage::pump,
                             .peer = {.ip = *sys::IpAddress::parse("192.0.2.9"), .port = 99},
                             .tls_version = 0x0304,
                             .cipher_suite = 0x1303};

class GimsdSinkTest : public ::testing::Test {
 protected:
  // gimsd's side of the next message.
  static void expect_received(const sys::Fd& socket, int written_to) {
    std::array<std::uint8_t, sys::handover_size + 1> buffer{};
    const auto received = sys::receive_message(socket.get(), buffer, 1);
    ASSERT_TRUE(received);
    EXPECT_EQ(*sys::decode_handover(std::span(buffer).first(received->size)), handover);
    ASSERT_EQ(received->fds.size(), 1U);
    ASSERT_EQ(::write(written_to, "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(received->fds[0].get(), &byte, 1), 1);
  }
  static sys::Fd accept_one(const sys::Fd& listener) {
    auto accepted = sys::accept(listener.get(), sys::Blocking::no);
    return accepted && *accepted ? **std::move(accepted) : sys::Fd();
  }
  std::string path() const { return folder_.file("gimsd"); }
  gims::test::TempFolder folder_;
};

TEST_F(GimsdSinkTest, FailsWhileGimsdIsNotThere) {
  GimsdSink sink(path());
  EXPECT_EQ(sink.connect().error().code, "ENOENT");
  auto pair = sys::stream_pair(sys::Blocking::no);
  EXPECT_EQ(sink.deliver({std::move(pair->second), {}}, handover).error().code,
            "GIMS_TLS_NO_GIMSD");
  // The given end is closed.
  char byte = 0;
  EXPECT_EQ(::read(pair->first.get(), &byte, 1), 0);
}

TEST_F(GimsdSinkTest, DeliversOverOneConnection) {
  const auto listener = sys::seqpacket_listen(path(), 0600);
  GimsdSink sink(path());
  ASSERT_TRUE(sink.connect());
  const sys::Fd gimsd = accept_one(*listener);
  ASSERT_TRUE(gimsd);
  for (int i = 0; i < 3; ++i) {
    auto pair = sys::stream_pair(sys::Blocking::no);
    ASSERT_TRUE(sink.deliver({std::move(pair->second), {}}, handover));
    expect_received(gimsd, pair->first.get());
  }
  EXPECT_FALSE(accept_one(*listener));
}

TEST_F(GimsdSinkTest, DeliversTheTetherToo) {
  const auto listener = sys::seqpacket_listen(path(), 0600);
  GimsdSink sink(path());
  ASSERT_TRUE(sink.connect());
  const sys::Fd gimsd = accept_one(*listener);
  auto connection = sys::stream_pair(sys::Blocking::no);
  auto tether = sys::stream_pair(sys::Blocking::no);
  ASSERT_TRUE(sink.deliver({std::move(connection->second), std::move(tether->second)}, handover));
  std::array<std::uint8_t, sys::handover_size> buffer{};
  auto received = sys::receive_message(gimsd.get(), buffer, 2);
  ASSERT_TRUE(received);
  ASSERT_EQ(received->fds.size(), 2U);
  // The last owner of each is gimsd.
  received->fds.pop_back();
  char byte = 0;
  EXPECT_EQ(::read(tether->first.get(), &byte, 1), 0);
  EXPECT_EQ(::read(connection->first.get(), &byte, 1), -1);
  received->fds.pop_back();
  EXPECT_EQ(::read(connection->first.get(), &byte, 1), 0);
}

TEST_F(GimsdSinkTest, ConnectsAnewAfterGimsdStartedAgain) {
  GimsdSink sink(path());
  for (int life = 0; life < 2; ++life) {
    const auto listener = sys::seqpacket_listen(path(), 0600);
    ASSERT_TRUE(listener);
    auto pair = sys::stream_pair(sys::Blocking::no);
    ASSERT_TRUE(sink.deliver({std::move(pair->second), {}}, handover)) << life;
    expect_received(accept_one(*listener), pair->first.get());
  }
}

TEST_F(GimsdSinkTest, AGimsdThatHangsDoesNotHoldTheFrontUp) {
  const auto listener = sys::seqpacket_listen(path(), 0600);
  GimsdSink sink(path());
  Result<> delivered;
  for (int i = 0; i < 100'000 && delivered; ++i) {
    auto pair = sys::stream_pair(sys::Blocking::no);
    delivered = sink.deliver({std::move(pair->second), {}}, handover);
  }
  ASSERT_FALSE(delivered);
  EXPECT_EQ(delivered.error().code, "GIMS_TLS_NO_GIMSD");
}

}  // namespace
}  // namespace gims::tls
