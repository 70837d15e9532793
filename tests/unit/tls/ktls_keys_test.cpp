#include "tls/ktls_keys.hpp"

#include <gtest/gtest.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

#include <algorithm>
#include <deque>

#include "tls/mbedtls_error.hpp"
#include "tls/server_context.hpp"
#include "unit/tls/kernel_record.hpp"
#include "unit/tls/test_leaf.hpp"

namespace gims::tls {
namespace {

using test::Bytes;
using test::KernelRecord;

constexpr std::uint8_t application_data = 23;

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes bytes_of(std::span<const std::uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

// RFC 8448, section 3, "derive write traffic keys for application data" of server and client.
const Bytes client_secret = {0x9e, 0x40, 0x64, 0x6c, 0xe7, 0x9a, 0x7f, 0x9d, 0xc0, 0x5a, 0xf8,
                             0x88, 0x9b, 0xce, 0x65, 0x52, 0x87, 0x5a, 0xfa, 0x0b, 0x06, 0xdf,
                             0x00, 0x87, 0xf7, 0x92, 0xeb, 0xb7, 0xc1, 0x75, 0x04, 0xa5};
const Bytes client_key = {0x17, 0x42, 0x2d, 0xda, 0x59, 0x6e, 0xd5, 0xd9,
                          0xac, 0xd8, 0x90, 0xe3, 0xc6, 0x3f, 0x50, 0x51};
const Bytes client_salt = {0x5b, 0x78, 0x92, 0x3d};  // the IV's beginning
const Bytes client_iv = {0xee, 0x08, 0x57, 0x90, 0x33, 0xe5, 0x23, 0xd9};
const Bytes server_secret = {0xa1, 0x1a, 0xf9, 0xf0, 0x55, 0x31, 0xf8, 0x56, 0xad, 0x47, 0x11,
                             0x6b, 0x45, 0xa9, 0x50, 0x32, 0x82, 0x04, 0xb4, 0xf4, 0x4b, 0xfb,
                             0x6b, 0x3a, 0x4b, 0x4f, 0x1f, 0x3f, 0xcb, 0x63, 0x16, 0x43};
const Bytes server_key = {0x9f, 0x02, 0x28, 0x3b, 0x6c, 0x9c, 0x07, 0xef,
                          0xc2, 0x6b, 0xb9, 0xf2, 0xac, 0x92, 0xe3, 0x56};
const Bytes server_salt = {0xcf, 0x78, 0x2b, 0x88};
const Bytes server_iv = {0xdd, 0x83, 0x54, 0x9a, 0xad, 0xf1, 0xe9, 0x84};
constexpr std::uint16_t aes_128 = 0x1301;

TEST(KtlsKeys, AreThoseOfTheRfcForTls13) {
  const auto keys = KtlsKeys::of_tls13(aes_128, TrafficSecret(client_secret),
                                       TrafficSecret(server_secret), {.client = 0, .server = 1});
  ASSERT_TRUE(keys);
  const Bytes head = {4, 3, 51, 0};
  EXPECT_EQ(bytes_of(keys->receiving()),
            joined({head, client_iv, client_key, client_salt, Bytes(8)}));
  EXPECT_EQ(bytes_of(keys->sending()),
            joined({head, server_iv, server_key, server_salt, {0, 0, 0, 0, 0, 0, 0, 1}}));
}

TEST(KtlsKeys, RefuseOtherSuitesAndSecrets) {
  const TrafficSecret client(client_secret);
  const TrafficSecret short_one{std::span(server_secret).first(31)};
  for (const int suite : {0x1304, 0xC02B, 0x1302}) {
    EXPECT_FALSE(KtlsKeys::of_tls13(static_cast<std::uint16_t>(suite), client,
                                    TrafficSecret(server_secret), {}))
        << suite;
  }
  EXPECT_FALSE(KtlsKeys::of_tls13(aes_128, client, short_one, {}));
  MasterSecret master;
  master.prf = MBEDTLS_SSL_TLS_PRF_SHA256;
  EXPECT_TRUE(KtlsKeys::of_tls12(0xC02B, master, {}));
  EXPECT_FALSE(KtlsKeys::of_tls12(aes_128, master, {}));
  EXPECT_FALSE(KtlsKeys::of_tls12(0xC0AC, master, {}));  // AES-128-CCM
  master.prf = MBEDTLS_SSL_TLS_PRF_NONE;
  EXPECT_FALSE(KtlsKeys::of_tls12(0xC02B, master, {}));
}

// mbedTLS at both ends of a line in memory, with TLS 1.2 and one suite.
class Tls12Line : public ::testing::TestWithParam<int> {
 protected:
  struct End {
    End() { mbedtls_ssl_init(&ssl); }
    ~End() { mbedtls_ssl_free(&ssl); }
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    static int send(void* raw, const unsigned char* bytes, std::size_t size) {
      auto& out = static_cast<End*>(raw)->out;
      out.insert(out.end(), bytes, bytes + size);
      return static_cast<int>(size);
    }
    static int receive(void* raw, unsigned char* into, std::size_t size) {
      auto& in = static_cast<End*>(raw)->peer->out;
      if (in.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
      const std::size_t taken = std::min(size, in.size());
      std::copy_n(in.begin(), taken, into);
      in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(taken));
      return static_cast<int>(taken);
    }
    mbedtls_ssl_context ssl;
    End* peer = nullptr;
    std::deque<std::uint8_t> out;
  };

  Tls12Line() {
    context_ = *ServerContext::create(test::make_long_leaf(), *TicketKeys::create());
    mbedtls_ssl_config_init(&config_);
    mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_rng(&config_, random_bytes, nullptr);
    mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_max_tls_version(&config_, MBEDTLS_SSL_VERSION_TLS1_2);
    suites_[0] = GetParam();
    mbedtls_ssl_conf_ciphersuites(&config_, suites_);
    EXPECT_EQ(mbedtls_ssl_setup(&client_.ssl, &config_), 0);
    EXPECT_EQ(mbedtls_ssl_set_hostname(&client_.ssl, "localhost"), 0);
    EXPECT_EQ(mbedtls_ssl_setup(&server_.ssl, context_->config()), 0);
    mbedtls_ssl_set_export_keys_cb(&server_.ssl, &keep, &master_);
    client_.peer = &server_;
    server_.peer = &client_;
    for (End* end : {&client_, &server_}) {
      mbedtls_ssl_set_bio(&end->ssl, end, End::send, End::receive, nullptr);
    }
    bool done = false;
    for (int turn = 0; turn < 100 && !done; ++turn) {
      const int from_client = mbedtls_ssl_handshake(&client_.ssl);
      const int from_server = mbedtls_ssl_handshake(&server_.ssl);
      done = from_client == 0 && from_server == 0;
    }
    EXPECT_TRUE(done);
  }
  ~Tls12Line() override { mbedtls_ssl_config_free(&config_); }

  static void keep(void* raw, mbedtls_ssl_key_export_type type, const unsigned char* secret,
                   std::size_t size, const unsigned char* client, const unsigned char* server,
                   mbedtls_tls_prf_types prf) {
    auto& master = *static_cast<MasterSecret*>(raw);
    ASSERT_EQ(type, MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET);
    ASSERT_EQ(size, master.bytes.size());
    std::copy_n(secret, size, master.bytes.begin());
    std::copy_n(client, master.client_random.size(), master.client_random.begin());
    std::copy_n(server, master.server_random.size(), master.server_random.begin());
    master.prf = prf;
  }

  std::shared_ptr<const ServerContext> context_;
  mbedtls_ssl_config config_;
  int suites_[2] = {0, 0};
  MasterSecret master_;
  End client_;
  End server_;
};

// Right after the handshake, each direction had one record of these keys, the Finished.
TEST_P(Tls12Line, GoesOnWithTheKeysAlone) {
  const auto keys = KtlsKeys::of_tls12(static_cast<std::uint16_t>(GetParam()), master_,
                                       {.client = 1, .server = 1});
  ASSERT_TRUE(keys);
  auto receiving = KernelRecord::from_info(keys->receiving());
  auto sending = KernelRecord::from_info(keys->sending());
  ASSERT_TRUE(receiving && sending);
  for (const std::string text : {"first", "second"}) {
    const Bytes content(text.begin(), text.end());
    ASSERT_EQ(mbedtls_ssl_write(&client_.ssl, content.data(), content.size()),
              static_cast<int>(content.size()));
    const auto opened = receiving->open(Bytes(client_.out.begin(), client_.out.end()));
    client_.out.clear();
    ASSERT_TRUE(opened) << text;
    EXPECT_EQ(opened->type, application_data);
    EXPECT_EQ(opened->content, content);

    const Bytes record = sending->seal(application_data, content);
    server_.out.assign(record.begin(), record.end());
    Bytes read(100);
    const int got = mbedtls_ssl_read(&client_.ssl, read.data(), read.size());
    ASSERT_EQ(got, static_cast<int>(content.size())) << text;
    read.resize(content.size());
    EXPECT_EQ(read, content);
  }
}

INSTANTIATE_TEST_SUITE_P(EachSuite, Tls12Line, ::testing::Values(0xC02B, 0xC02C, 0xCCA9));

}  // namespace
}  // namespace gims::tls
