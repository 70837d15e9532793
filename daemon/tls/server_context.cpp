#include "tls/server_context.hpp"

#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

#include "tls/mbedtls_error.hpp"

namespace gims::tls {
namespace {

// The order of TLS 1.2, where the server chooses; in TLS 1.3 mbedTLS takes the client's first.
// ChaCha20-Poly1305 comes first as it is the faster one in mbedTLS.
constexpr int suites[] = {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                          MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                          MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                          MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                          MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                          MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                          0};
constexpr std::uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                    MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                    MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
constexpr std::uint16_t signature_algorithms[] = {MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
                                                  MBEDTLS_TLS1_3_SIG_NONE};
// mbedTLS wants it not const; it does not write to it.
const char* protocols[] = {"http/1.1", nullptr};

// mbedTLS 3.6 does not read name constraints, which the issuing CA has and marks critical (RFC
// 5280, section 4.2.1.10). It is the client that checks them; the server only sends the certificate
// on.
int accept_name_constraints(void* /*context*/, const mbedtls_x509_crt* /*certificate*/,
                            const mbedtls_x509_buf* oid, int /*critical*/,
                            const unsigned char* /*begin*/, const unsigned char* /*end*/) noexcept {
  return MBEDTLS_OID_CMP(MBEDTLS_OID_NAME_CONSTRAINTS, oid) == 0
             ? 0
             : MBEDTLS_ERR_X509_INVALID_EXTENSIONS;
}

// Keeps the page of the private number out of the swap and of dumps. It stays so when the key goes,
// since other secrets may share the page; a page a day at most.
void guard_private_number(const mbedtls_ecp_keypair& pair) noexcept {
  const mbedtls_mpi& number = pair.MBEDTLS_PRIVATE(d);
  auto* start = reinterpret_cast<std::uint8_t*>(number.MBEDTLS_PRIVATE(p));
  std::size_t size = number.MBEDTLS_PRIVATE(n) * sizeof(mbedtls_mpi_uint);
  const std::size_t into_page =
      reinterpret_cast<std::uintptr_t>(start) % static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  start -= into_page;
  size += into_page;
  // Without the right to lock (LimitMEMLOCK) the service runs all the same.
  static_cast<void>(::mlock(start, size));
  static_cast<void>(::madvise(start, size, MADV_DONTDUMP));
}

Result<> start_crypto() {
  // TLS 1.3 of mbedTLS needs PSA. Idempotent and thread-safe (MBEDTLS_THREADING_C).
  if (const psa_status_t status = psa_crypto_init(); status != PSA_SUCCESS) {
    return fail(ErrorKind::internal, "GIMS_TLS", "The TLS library did not start.",
                "psa_crypto_init: " + std::to_string(status));
  }
  return {};
}

}  // namespace

struct TicketKeys::Impl {
  Impl() { mbedtls_ssl_ticket_init(&context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { mbedtls_ssl_ticket_free(&context); }
  mbedtls_ssl_ticket_context context;
};

TicketKeys::TicketKeys(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
TicketKeys::~TicketKeys() = default;

Result<std::shared_ptr<TicketKeys>> TicketKeys::create() {
  GIMS_TRY(start_crypto());
  auto impl = std::make_unique<Impl>();
  if (const int code =
          mbedtls_ssl_ticket_setup(&impl->context, random_bytes, nullptr,
                                   MBEDTLS_CIPHER_AES_256_GCM, ticket_lifetime_seconds);
      code != 0) {
    return fail_mbedtls("ticket keys", code);
  }
  return std::shared_ptr<TicketKeys>(new TicketKeys(std::move(impl)));
}

struct ServerContext::Impl {
  explicit Impl(std::shared_ptr<TicketKeys> keys) : tickets(std::move(keys)) {
    mbedtls_ssl_config_init(&config);
    mbedtls_x509_crt_init(&chain);
    mbedtls_pk_init(&key);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    mbedtls_ssl_config_free(&config);
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&chain);
  }

  Result<> load(const Leaf& leaf);
  Result<> configure();

  std::shared_ptr<TicketKeys> tickets;
  mbedtls_ssl_config config;
  mbedtls_x509_crt chain;
  mbedtls_pk_context key;
};

Result<> ServerContext::Impl::load(const Leaf& leaf) {
  if (leaf.chain.empty()) return fail_leaf("no certificate");
  for (const auto& der : leaf.chain) {
    if (const int code = mbedtls_x509_crt_parse_der_with_ext_cb(&chain, der.data(), der.size(), 1,
                                                                accept_name_constraints, nullptr);
        code != 0) {
      return fail_mbedtls("certificate", code);
    }
  }
  const auto secret = leaf.private_key.bytes();
  if (const int code = mbedtls_pk_parse_key(&key, secret.data(), secret.size(), nullptr, 0,
                                            random_bytes, nullptr);
      code != 0) {
    return fail_mbedtls("private key", code);
  }
  const mbedtls_ecp_keypair* pair = mbedtls_pk_ec(key);  // null for a key of another kind
  if (pair == nullptr || mbedtls_pk_get_type(&key) != MBEDTLS_PK_ECKEY ||
      mbedtls_pk_get_bitlen(&key) != 256) {
    return fail_leaf("the key is not a P-256 key");
  }
  if (mbedtls_pk_check_pair(&chain.pk, &key, random_bytes, nullptr) != 0) {
    return fail_leaf("the key is not the certificate's");
  }
  guard_private_number(*pair);
  return {};
}

Result<> ServerContext::Impl::configure() {
  if (const int code = mbedtls_ssl_config_defaults(
          &config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
      code != 0) {
    return fail_mbedtls("configuration", code);
  }
  mbedtls_ssl_conf_rng(&config, random_bytes, nullptr);
  mbedtls_ssl_conf_min_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_2);
  mbedtls_ssl_conf_max_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_3);
  mbedtls_ssl_conf_ciphersuites(&config, suites);
  mbedtls_ssl_conf_preference_order(&config, MBEDTLS_SSL_SRV_CIPHERSUITE_ORDER_SERVER);
  mbedtls_ssl_conf_groups(&config, groups);
  mbedtls_ssl_conf_sig_algs(&config, signature_algorithms);
  mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
  mbedtls_ssl_conf_renegotiation(&config, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
  mbedtls_ssl_conf_legacy_renegotiation(&config, MBEDTLS_SSL_LEGACY_BREAK_HANDSHAKE);
  // A resumption without a fresh key exchange would lose forward secrecy.
  mbedtls_ssl_conf_tls13_key_exchange_modes(&config,
                                            MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL |
                                                MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL);
  mbedtls_ssl_conf_session_tickets_cb(&config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse,
                                      &tickets->impl_->context);
  mbedtls_ssl_conf_new_session_tickets(&config, 1);
  if (const int code = mbedtls_ssl_conf_alpn_protocols(&config, protocols); code != 0) {
    return fail_mbedtls("ALPN", code);
  }
  if (const int code = mbedtls_ssl_conf_own_cert(&config, &chain, &key); code != 0) {
    return fail_mbedtls("certificate", code);
  }
  return {};
}

ServerContext::ServerContext(std::unique_ptr<Impl> impl, Millis not_after) noexcept
    : impl_(std::move(impl)), not_after_(not_after) {}
ServerContext::~ServerContext() = default;

const mbedtls_ssl_config* ServerContext::config() const noexcept { return &impl_->config; }

Result<std::shared_ptr<const ServerContext>> ServerContext::create(
    const Leaf& leaf, std::shared_ptr<TicketKeys> tickets) {
  GIMS_TRY(start_crypto());
  auto impl = std::make_unique<Impl>(std::move(tickets));
  GIMS_TRY(impl->load(leaf));
  GIMS_TRY(impl->configure());
  return std::shared_ptr<const ServerContext>(new ServerContext(std::move(impl), leaf.not_after));
}

}  // namespace gims::tls
