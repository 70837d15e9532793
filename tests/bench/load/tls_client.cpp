#include "bench/load/tls_client.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/check.hpp"
#include "base/handle.hpp"

namespace gims::bench {
namespace {

std::unexpected<Error> fail_ssl(std::string_view what) {
  std::string detail(what);
  if (const unsigned long code = ::ERR_get_error(); code != 0) {
    char text[256];
    ::ERR_error_string_n(code, text, sizeof text);
    detail.append(": ").append(text);
  }
  ::ERR_clear_error();
  return fail(ErrorKind::unavailable, "TLS", "TLS failed.", detail);
}

void free_context(SSL_CTX* context) noexcept { ::SSL_CTX_free(context); }
void free_stream(SSL* stream) noexcept { ::SSL_free(stream); }

bool is_address(const std::string& host) {
  in_addr parsed{};
  return ::inet_pton(AF_INET, host.c_str(), &parsed) == 1;
}

}  // namespace

struct TlsClient::Impl {
  std::string host;
  Handle<SSL_CTX, free_context> context;
};

TlsClient::TlsClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsClient::~TlsClient() = default;

Result<std::shared_ptr<TlsClient>> TlsClient::create(std::string host, const std::string& ca) {
  auto impl = std::make_unique<Impl>();
  impl->host = std::move(host);
  impl->context.reset(::SSL_CTX_new(::TLS_client_method()));
  SSL_CTX* const context = impl->context.get();
  GIMS_CHECK(context != nullptr);
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
  // What most clients offer, and no second key share whose making would be measured too.
  GIMS_CHECK(::SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1);
  if (!ca.empty()) {
    if (::SSL_CTX_load_verify_file(context, ca.c_str()) != 1) return fail_ssl(ca);
    ::SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  }
  return std::shared_ptr<TlsClient>(new TlsClient(std::move(impl)));
}

struct TlsStream::Impl {
  Handle<SSL, free_stream> ssl;

  // What a call that gave no bytes waits for.
  [[nodiscard]] Result<Wants> wants(int outcome, std::string_view what) const {
    switch (::SSL_get_error(ssl.get(), outcome)) {
      case SSL_ERROR_WANT_READ:
        return Wants::read;
      case SSL_ERROR_WANT_WRITE:
        return Wants::write;
      case SSL_ERROR_ZERO_RETURN:
        return fail(ErrorKind::unavailable, "TLS_ENDED", "The server ended the connection.");
      default:
        return fail_ssl(what);
    }
  }
};

TlsStream::TlsStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsStream::~TlsStream() = default;

std::unique_ptr<TlsStream> TlsClient::stream(int socket) {
  auto impl = std::make_unique<TlsStream::Impl>();
  impl->ssl.reset(::SSL_new(impl_->context.get()));
  SSL* const ssl = impl->ssl.get();
  GIMS_CHECK(ssl != nullptr && ::SSL_set_fd(ssl, socket) == 1);
  ::SSL_set_connect_state(ssl);
  // An address is no name for SNI (RFC 6066, section 3).
  if (is_address(impl_->host)) {
    GIMS_CHECK(::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), impl_->host.c_str()) == 1);
  } else {
    // What the macro SSL_set_tlsext_host_name() is, without its cast.
    GIMS_CHECK(::SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                          impl_->host.data()) == 1);
    GIMS_CHECK(::SSL_set1_host(ssl, impl_->host.c_str()) == 1);
  }
  return std::unique_ptr<TlsStream>(new TlsStream(std::move(impl)));
}

Result<TlsStream::Wants> TlsStream::handshake() {
  const int outcome = ::SSL_do_handshake(impl_->ssl.get());
  if (outcome == 1) return Wants::nothing;
  return impl_->wants(outcome, "handshake");
}

Result<std::size_t> TlsStream::write(std::string_view bytes) {
  std::size_t sent = 0;
  const int outcome = ::SSL_write_ex(impl_->ssl.get(), bytes.data(), bytes.size(), &sent);
  if (outcome == 1) return sent;
  GIMS_TRY(impl_->wants(outcome, "write"));
  return 0;
}

Result<std::size_t> TlsStream::read(std::span<char> room) {
  std::size_t got = 0;
  const int outcome = ::SSL_read_ex(impl_->ssl.get(), room.data(), room.size(), &got);
  if (outcome == 1) return got;
  GIMS_TRY(impl_->wants(outcome, "read"));
  return 0;
}

}  // namespace gims::bench
