// What the handshakes of one leaf's time have in common: certificate, key, suites, ticket keys.
#pragma once

#include <memory>

#include "tls/leaf.hpp"

struct mbedtls_ssl_config;

namespace gims::tls {

// The keys of session tickets: made in memory, changed every hour by mbedTLS, never stored. They
// outlive a leaf, so that a renewal does not cost every device a full handshake. Any thread.
class TicketKeys {
 public:
  [[nodiscard]] static Result<std::shared_ptr<TicketKeys>> create();
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

 private:
  friend class ServerContext;
  struct Impl;
  explicit TicketKeys(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

// TLS 1.3 and 1.2; AEAD suites; ECDHE with X25519 and P-256; an ECDSA P-256 leaf; ALPN http/1.1; no
// renegotiation, no compression, no early data. Shared by the sessions made from it; any thread.
class ServerContext {
 public:
  // Fails (bad_input, GIMS_TLS_LEAF) when key and certificate do not fit or cannot be read.
  [[nodiscard]] static Result<std::shared_ptr<const ServerContext>> create(
      const Leaf& leaf, std::shared_ptr<TicketKeys> tickets);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  [[nodiscard]] Millis not_after() const noexcept { return not_after_; }
  [[nodiscard]] const mbedtls_ssl_config* config() const noexcept;

 private:
  struct Impl;
  ServerContext(std::unique_ptr<Impl> impl, Millis not_after) noexcept;
  std::unique_ptr<Impl> impl_;
  Millis not_after_;
};

// The lifetime of a ticket and of the key that protects it.
inline constexpr std::uint32_t ticket_lifetime_seconds = 3600;

}  // namespace gims::tls
