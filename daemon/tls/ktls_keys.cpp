#include "tls/ktls_keys.hpp"

#include <mbedtls/ssl.h>
#include <sodium.h>

#include <algorithm>

namespace gims::tls {
namespace {

constexpr std::size_t most_key = 32;
constexpr std::size_t most_iv = 12;
constexpr std::uint16_t tls12 = 0x0303;
constexpr std::uint16_t tls13 = 0x0304;

}  // namespace

struct KtlsKeys::Suite {
  std::uint16_t version;
  std::uint16_t number;
  sys::KernelCipher cipher;
  std::size_t key_size;
  std::size_t iv_size;
  std::size_t hash_size;  // of TLS 1.3's secrets
};

// RFC 8446, appendix B.4; RFC 5289, section 3.2; RFC 7905, section 2. The nonce of AES-GCM in TLS
// 1.2 has 4 bytes of the key block (RFC 5288, section 3).
const KtlsKeys::Suite* KtlsKeys::find_suite(std::uint16_t version, std::uint16_t number) noexcept {
  using enum sys::KernelCipher;
  static constexpr std::array<Suite, 6> suites = {
      Suite{tls13, 0x1301, aes_128_gcm, 16, 12, 32},
      Suite{tls13, 0x1302, aes_256_gcm, 32, 12, 48},
      Suite{tls13, 0x1303, chacha20_poly1305, 32, 12, 32},
      Suite{tls12, 0xC02B, aes_128_gcm, 16, 4, 0},
      Suite{tls12, 0xC02C, aes_256_gcm, 32, 4, 0},
      Suite{tls12, 0xCCA9, chacha20_poly1305, 32, 12, 0}};
  const auto* found = std::ranges::find_if(suites, [&](const Suite& suite) {
    return suite.version == version && suite.number == number;
  });
  return found == suites.end() ? nullptr : found;
}

MasterSecret::~MasterSecret() {
  ::sodium_memzero(bytes.data(), bytes.size());
  ::sodium_memzero(client_random.data(), client_random.size());
  ::sodium_memzero(server_random.data(), server_random.size());
}

KtlsKeys::~KtlsKeys() {
  ::sodium_memzero(client_.info.data(), client_.info.size());
  ::sodium_memzero(server_.info.data(), server_.info.size());
}

bool KtlsKeys::fill(Direction& direction, const Suite& suite, std::span<const std::uint8_t> key,
                    std::span<const std::uint8_t> iv, std::uint64_t sequence) noexcept {
  direction.size = sys::write_kernel_tls_info({.version = suite.version,
                                               .cipher = suite.cipher,
                                               .key = key,
                                               .iv = iv,
                                               .sequence = sequence},
                                              direction.info);
  return direction.size > 0;
}

// RFC 8446, section 7.3.
bool KtlsKeys::expand(Direction& direction, const Suite& suite, const TrafficSecret& secret,
                      std::uint64_t sequence) noexcept {
  std::array<std::uint8_t, most_key + most_iv> room{};
  const auto key = std::span(room).first(suite.key_size);
  const auto iv = std::span(room).last(suite.iv_size);
  const bool filled = secret.size == suite.hash_size && expand_label(secret.view(), "key", key) &&
                      expand_label(secret.view(), "iv", iv) &&
                      fill(direction, suite, key, iv, sequence);
  ::sodium_memzero(room.data(), room.size());
  return filled;
}

std::unique_ptr<KtlsKeys> KtlsKeys::of_tls13(std::uint16_t number, const TrafficSecret& client,
                                             const TrafficSecret& server,
                                             RecordNumbers next) noexcept {
  const Suite* suite = find_suite(tls13, number);
  if (suite == nullptr) return nullptr;
  std::unique_ptr<KtlsKeys> keys(new KtlsKeys);  // NOLINT(bugprone-unhandled-exception-at-new)
  const bool expanded = expand(keys->client_, *suite, client, next.client) &&
                        expand(keys->server_, *suite, server, next.server);
  return expanded ? std::move(keys) : nullptr;
}

// The key block of RFC 5246, section 6.3: keys and then IVs, the client's before the server's; the
// AEAD suites have no MAC keys.
std::unique_ptr<KtlsKeys> KtlsKeys::of_tls12(std::uint16_t number, const MasterSecret& master,
                                             RecordNumbers next) noexcept {
  const Suite* suite = find_suite(tls12, number);
  if (suite == nullptr) return nullptr;
  std::array<std::uint8_t, 2 * sizeof(MasterSecret::Random)> seed{};
  std::ranges::copy(master.server_random, seed.begin());
  std::ranges::copy(master.client_random, seed.begin() + sizeof(MasterSecret::Random));
  std::array<std::uint8_t, 2 * (most_key + most_iv)> room{};
  const auto block = std::span(room).first(2 * (suite->key_size + suite->iv_size));
  std::unique_ptr<KtlsKeys> keys(new KtlsKeys);  // NOLINT(bugprone-unhandled-exception-at-new)
  const auto ivs = block.subspan(2 * suite->key_size);
  const bool made =
      mbedtls_ssl_tls_prf(static_cast<mbedtls_tls_prf_types>(master.prf), master.bytes.data(),
                          master.bytes.size(), "key expansion", seed.data(), seed.size(),
                          block.data(), block.size()) == 0 &&
      fill(keys->client_, *suite, block.first(suite->key_size), ivs.first(suite->iv_size),
           next.client) &&
      fill(keys->server_, *suite, block.subspan(suite->key_size, suite->key_size),
           ivs.last(suite->iv_size), next.server);
  ::sodium_memzero(room.data(), room.size());
  return made ? std::move(keys) : nullptr;
}

}  // namespace gims::tls
