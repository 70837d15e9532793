#include "unit/tls/test_client.hpp"

#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <psa/crypto.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.hpp"
#include "tls/mbedtls_error.hpp"

namespace gims::tls::test {
namespace {

sys::Fd connect_with(std::uint16_t port, int receive_room, std::uint8_t from) {
  sys::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  // mbedTLS sends a flight in several parts; Nagle would hold all but the first back for 40 ms.
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_room > 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receive_room, sizeof receive_room);
  }
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xffU) | from);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&in), sizeof in) != 0) return {};  // NOLINT
  in.sin_port = htons(port);
  in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&in), sizeof in) != 0) return {};  // NOLINT
  return fd;
}

int send_to(void* fd, const unsigned char* bytes, std::size_t size) {
  const ssize_t sent = ::send(*static_cast<int*>(fd), bytes, size, MSG_NOSIGNAL);
  return sent < 0 ? MBEDTLS_ERR_NET_SEND_FAILED : static_cast<int>(sent);
}

int receive_from(void* fd, unsigned char* out, std::size_t size) {
  const ssize_t got = ::recv(*static_cast<int*>(fd), out, size, 0);
  return got < 0 ? MBEDTLS_ERR_NET_RECV_FAILED : static_cast<int>(got);
}

}  // namespace

sys::Fd tcp_connect(std::uint16_t port, std::uint8_t from) { return connect_with(port, 0, from); }

std::string read_to_end(int fd) {
  std::string all;
  char part[4096];
  for (;;) {
    const ssize_t got = ::recv(fd, part, sizeof part, 0);
    if (got <= 0) {
      GIMS_CHECK(got == 0 || errno != EAGAIN);  // the time limit: the test hangs
      return all;
    }
    all.append(part, static_cast<std::size_t>(got));
  }
}

struct TestClient::Impl {
  Impl() {
    GIMS_CHECK(psa_crypto_init() == PSA_SUCCESS);
    mbedtls_ssl_init(&ssl);
    mbedtls_ssl_config_init(&config);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    mbedtls_ssl_free(&ssl);
    mbedtls_ssl_config_free(&config);
  }
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config config;
  sys::Fd socket;
  int raw = -1;
  bool notified = false;
};

TestClient::TestClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TestClient::~TestClient() = default;

std::unique_ptr<TestClient> TestClient::connect(std::uint16_t port, Version version,
                                                bool small_window, std::uint8_t from) {
  auto impl = std::make_unique<Impl>();
  impl->socket = connect_with(port, small_window ? 2048 : 0, from);
  if (!impl->socket) return nullptr;
  impl->raw = impl->socket.get();
  mbedtls_ssl_config& config = impl->config;
  GIMS_CHECK(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT,
                                         MBEDTLS_SSL_TRANSPORT_STREAM,
                                         MBEDTLS_SSL_PRESET_DEFAULT) == 0);
  mbedtls_ssl_conf_rng(&config, random_bytes, nullptr);
  mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
  const auto wire = static_cast<mbedtls_ssl_protocol_version>(version);
  mbedtls_ssl_conf_min_tls_version(&config, wire);
  mbedtls_ssl_conf_max_tls_version(&config, wire);
  GIMS_CHECK(mbedtls_ssl_setup(&impl->ssl, &config) == 0);
  GIMS_CHECK(mbedtls_ssl_set_hostname(&impl->ssl, "localhost") == 0);
  mbedtls_ssl_set_bio(&impl->ssl, &impl->raw, send_to, receive_from, nullptr);
  if (mbedtls_ssl_handshake(&impl->ssl) != 0) return nullptr;
  return std::unique_ptr<TestClient>(new TestClient(std::move(impl)));
}

bool TestClient::write(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const int sent = mbedtls_ssl_write(&impl_->ssl, bytes.data(), bytes.size());
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

bool TestClient::write(const std::string& text) {
  return write(std::vector<std::uint8_t>(text.begin(), text.end()));
}

std::vector<std::uint8_t> TestClient::read(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const int got = mbedtls_ssl_read(&impl_->ssl, bytes.data() + done, size - done);
    if (got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) continue;
    if (got <= 0) {
      impl_->notified = got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY;
      break;
    }
    done += static_cast<std::size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

std::string TestClient::read_text(std::size_t size) {
  const auto bytes = read(size);
  return {bytes.begin(), bytes.end()};
}

bool TestClient::ended_with_close_notify() const { return impl_->notified; }
void TestClient::close_notify() { static_cast<void>(mbedtls_ssl_close_notify(&impl_->ssl)); }

int TestClient::fd() const { return impl_->raw; }

void TestClient::cut(bool reset) {
  if (reset) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(impl_->raw, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  impl_->socket.reset();
}

}  // namespace gims::tls::test
