// What the kernel needs to go on with a connection (sys/kernel_tls.hpp), from what mbedTLS tells of
// its handshake. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "sys/kernel_tls.hpp"
#include "tls/record_keys.hpp"

namespace gims::tls {

// Of TLS 1.2 (RFC 5246, section 8.1). Wiped when it goes.
struct MasterSecret : InSecretMemory {
  using Random = std::array<std::uint8_t, 32>;
  MasterSecret() = default;
  MasterSecret(const MasterSecret&) = delete;
  MasterSecret& operator=(const MasterSecret&) = delete;
  ~MasterSecret();
  std::array<std::uint8_t, 48> bytes{};
  Random client_random{};
  Random server_random{};
  int prf = 0;  // mbedtls_tls_prf_types
};

// The numbers of the next records, whose first after the handshake the peers count from 0 in TLS
// 1.3, and after their Finished in TLS 1.2.
struct RecordNumbers {
  std::uint64_t client = 0;
  std::uint64_t server = 0;
};

// The structs for both directions of the server's end. Wiped when it goes.
class KtlsKeys : public InSecretMemory {
 public:
  // Null for a suite that is not of that version or not one of ours (server_context.cpp), for
  // secrets of another length than the suite's, and where the library failed.
  [[nodiscard]] static std::unique_ptr<KtlsKeys> of_tls13(std::uint16_t suite,
                                                          const TrafficSecret& client,
                                                          const TrafficSecret& server,
                                                          RecordNumbers next) noexcept;
  [[nodiscard]] static std::unique_ptr<KtlsKeys> of_tls12(std::uint16_t suite,
                                                          const MasterSecret& master,
                                                          RecordNumbers next) noexcept;
  KtlsKeys(const KtlsKeys&) = delete;
  KtlsKeys& operator=(const KtlsKeys&) = delete;
  ~KtlsKeys();

  [[nodiscard]] std::span<const std::uint8_t> sending() const noexcept { return server_.view(); }
  [[nodiscard]] std::span<const std::uint8_t> receiving() const noexcept { return client_.view(); }

 private:
  struct Suite;
  struct Direction {
    std::array<std::uint8_t, sys::most_kernel_tls_info> info{};
    std::size_t size = 0;
    [[nodiscard]] std::span<const std::uint8_t> view() const noexcept {
      return std::span(info).first(size);
    }
  };
  KtlsKeys() = default;
  [[nodiscard]] static const Suite* find_suite(std::uint16_t version,
                                               std::uint16_t number) noexcept;
  [[nodiscard]] static bool fill(Direction& direction, const Suite& suite,
                                 std::span<const std::uint8_t> key,
                                 std::span<const std::uint8_t> iv, std::uint64_t sequence) noexcept;
  [[nodiscard]] static bool expand(Direction& direction, const Suite& suite,
                                   const TrafficSecret& secret, std::uint64_t sequence) noexcept;

  Direction client_;
  Direction server_;
};

}  // namespace gims::tls
