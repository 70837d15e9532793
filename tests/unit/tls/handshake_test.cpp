// What the front agrees to in a handshake, with OpenSSL at the other end.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "support/temp_folder.hpp"
#include "unit/tls/openssl_client.hpp"
#include "unit/tls/test_client.hpp"
#include "unit/tls/test_front.hpp"

namespace gims::tls {
namespace {

using test::Ended;

Ended s_client(const test::TestFront& front, const std::string& options) {
  return test::s_client(front.port(), options);
}

Ended s_client_with_input(const test::TestFront& front, const std::string& options,
                          const std::string& input) {
  return test::s_client_with_input(front.port(), options, input);
}

class Handshake : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { front_ = std::make_unique<test::TestFront>(); }
  static void TearDownTestSuite() { front_.reset(); }

  static void expect_agreed(const std::string& options, std::uint16_t version,
                            std::uint16_t suite) {
    const Ended ended = s_client(*front_, options);
    EXPECT_EQ(ended.status, 0) << options << "\n" << ended.output;
    if (ended.status != 0) return;
    const auto delivered = front_->sink.next();
    ASSERT_TRUE(delivered) << options;
    EXPECT_EQ(delivered->handover.tls_version, version) << options;
    EXPECT_EQ(delivered->handover.cipher_suite, suite) << options;
    EXPECT_EQ(delivered->handover.door, sys::Door::client);
    EXPECT_EQ(delivered->handover.carriage, sys::Carriage::pump);
    EXPECT_EQ(delivered->handover.peer.ip.to_string(), "127.0.0.1");
    EXPECT_NE(delivered->handover.peer.port, 0);
  }
  // With the alert, so that a client that could not even begin does not count.
  static void expect_refused(const std::string& options, const std::string& alert) {
    const Ended ended = s_client(*front_, options);
    EXPECT_NE(ended.status, 0) << options;
    EXPECT_NE(ended.output.find(alert), std::string::npos) << options << "\n" << ended.output;
    EXPECT_EQ(front_->sink.waiting(), 0U) << options;
  }
  static std::unique_ptr<test::TestFront> front_;
};
std::unique_ptr<test::TestFront> Handshake::front_;

// Numbers of suites: IANA, "TLS Cipher Suites".
TEST_F(Handshake, AgreesToTls13WithEachSuiteAndGroup) {
  expect_agreed("-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256", 0x0304, 0x1301);
  expect_agreed("-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384 -groups X25519", 0x0304, 0x1302);
  expect_agreed("-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256 -groups P-256", 0x0304, 0x1303);
}

TEST_F(Handshake, AgreesToTls12WithAeadSuites) {
  expect_agreed("-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", 0x0303, 0xC02B);
  // The groups of TLS 1.2 are those of certificates too (RFC 8422, section 5.1), so P-256 must be
  // among them.
  expect_agreed("-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384 -groups X25519:P-256", 0x0303,
                0xC02C);
  expect_agreed("-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305 -groups P-256", 0x0303, 0xCCA9);
}

TEST_F(Handshake, RefusesOtherSuitesOfTls12) {
  for (const char* suite :
       {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM",
        "ECDHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256", "AES128-GCM-SHA256"}) {
    expect_refused(std::string("-tls1_2 -cipher ") + suite, "alert handshake failure");
  }
}

TEST_F(Handshake, RefusesOtherGroupsAndVersions) {
  // mbedTLS 3.6 closes without an alert here.
  expect_refused("-tls1_3 -groups P-384", "unexpected eof");
  expect_refused("-tls1_2 -groups P-384", "alert handshake failure");
  expect_refused("-tls1_1 -cipher DEFAULT:@SECLEVEL=0", "alert protocol version");
}

TEST_F(Handshake, AgreesToHttp11AndNoOtherProtocol) {
  const Ended both = s_client(*front_, "-alpn h2,http/1.1");
  EXPECT_EQ(both.status, 0);
  EXPECT_NE(both.output.find("ALPN protocol: http/1.1"), std::string::npos) << both.output;
  EXPECT_TRUE(front_->sink.next());
  expect_refused("-alpn h2", "alert no application protocol");
  expect_refused("-tls1_2 -alpn h2", "alert no application protocol");
}

TEST_F(Handshake, ResumesByTicket) {
  for (const char* version : {"-tls1_2", "-tls1_3"}) {
    const gims::test::TempFolder folder;
    const std::string file = folder.file("session");
    // -ign_eof: goes on until the server ends, so that the ticket of TLS 1.3 is surely read.
    const std::string at = std::string(version) + " -sess_out " + file + " -ign_eof";
    std::jthread end([] { front_->sink.next(); });
    EXPECT_EQ(s_client(*front_, at).status, 0);
    end.join();
    const Ended again = s_client(*front_, std::string(version) + " -sess_in " + file);
    EXPECT_NE(again.output.find("Reused, TLS"), std::string::npos) << again.output;
    EXPECT_TRUE(front_->sink.next());
  }
}

// Each suite's records both ways, and new keys in the midst of them (RFC 8446, section 4.6.3): the
// client asks for the server's as well, and then changes its own alone.
TEST_F(Handshake, ContentGoesBothWaysWithEachSuiteAndAcrossNewKeys) {
  for (const char* suite :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    const std::string answer = std::string(100'000, 'a') + "-end-of-answer";
    std::string heard;
    std::jthread server([&] {
      const auto delivered = front_->sink.next();
      if (!delivered) return;
      std::array<char, 1000> part{};
      while (!heard.contains("three\n")) {
        const ssize_t got = ::recv(delivered->connection.get(), part.data(), part.size(), 0);
        if (got <= 0) return;
        heard.append(part.data(), static_cast<std::size_t>(got));
      }
      test::send_all(delivered->connection.get(),
                     std::vector<std::uint8_t>(answer.begin(), answer.end()));
    });
    const Ended ended =
        s_client_with_input(*front_, std::string("-tls1_3 -adv -ciphersuites ") + suite,
                            "one\\n{keyup:req}two\\n{keyup:noreq}three\\n");
    server.join();
    EXPECT_EQ(ended.status, 0) << suite;
    EXPECT_EQ(heard, "one\ntwo\nthree\n") << suite;
    EXPECT_NE(ended.output.find(answer), std::string::npos) << suite;
  }
}

TEST_F(Handshake, RefusesRenegotiation) {
  // R asks for it, and a client that is refused ends.
  const Ended ended = s_client_with_input(*front_, "-tls1_2", "R\\n");
  EXPECT_TRUE(front_->sink.next());
  EXPECT_NE(ended.output.find("RENEGOTIATING"), std::string::npos) << ended.output;
  EXPECT_NE(ended.output.find("no renegotiation"), std::string::npos) << ended.output;
}

TEST_F(Handshake, GarbageIsClosedAndNotDelivered) {
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\nHost: gims.internal\r\n\r\n"), std::string(64, '\0'),
        std::string("\x16\x03\x01\x40\x01", 5) + std::string(70, 'x'),
        std::string("\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03", 10)}) {
    const sys::Fd client = test::tcp_connect(front_->port());
    ASSERT_TRUE(client);
    ASSERT_TRUE(
        test::send_all(client.get(), std::vector<std::uint8_t>(garbage.begin(), garbage.end())));
    ::shutdown(client.get(), SHUT_WR);
    // An alert at most (RFC 8446, section 6): type, version, length, level, description.
    EXPECT_LE(test::read_to_end(client.get()).size(), 7U);
  }
  EXPECT_EQ(front_->sink.waiting(), 0U);
}

}  // namespace
}  // namespace gims::tls
