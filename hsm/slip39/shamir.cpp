#include "hsm/slip39/shamir.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "base/wipe.hpp"
#include "hsm/slip39/gf256.hpp"

namespace gims::hsm::slip39 {
namespace {

using View = std::span<const std::uint8_t>;

constexpr std::uint8_t x_of_digest = 254;
constexpr std::uint8_t x_of_secret = 255;
constexpr std::size_t digest_size = 4;

// The first bytes of HMAC-SHA-256 of the secret; the key is the random rest of the digest's row.
void write_digest(View key, View secret, std::span<std::uint8_t, digest_size> out) noexcept {
  crypto_auth_hmacsha256_state state;
  std::array<std::uint8_t, crypto_auth_hmacsha256_BYTES> hash{};
  crypto_auth_hmacsha256_init(&state, key.data(), key.size());
  crypto_auth_hmacsha256_update(&state, secret.data(), secret.size());
  crypto_auth_hmacsha256_final(&state, hash.data());
  std::ranges::copy(View(hash).first(digest_size), out.begin());
  wipe_object(state);
  wipe(hash);
}

}  // namespace

Result<SecretBytes> split_secret(View secret, std::size_t threshold, std::size_t count) {
  const std::size_t size = secret.size();
  // The polynomial goes through threshold - 2 random rows, the digest's and the secret's; for a
  // threshold of 1 it is the secret everywhere.
  GIMS_TRY_ASSIGN(SecretBytes points, SecretBytes::random(threshold * size));
  const auto rows = points.writable();
  std::vector<std::uint8_t> xs(threshold);
  std::iota(xs.begin(), xs.end(), std::uint8_t{0});
  xs.back() = x_of_secret;
  std::ranges::copy(secret, rows.last(size).begin());
  if (threshold > 1) {
    xs[threshold - 2] = x_of_digest;
    const auto row = rows.subspan((threshold - 2) * size, size);
    write_digest(row.subspan(digest_size), secret, row.first<digest_size>());
  }
  GIMS_TRY_ASSIGN(SecretBytes shares, SecretBytes::zeroed(count * size));
  for (std::size_t i = 0; i < count; ++i) {
    interpolate(xs, rows, static_cast<std::uint8_t>(i), shares.writable().subspan(i * size, size));
  }
  return shares;
}

Result<SecretBytes> recover_secret(View xs, View rows, std::size_t size) {
  GIMS_TRY_ASSIGN(SecretBytes secret, SecretBytes::zeroed(size));
  interpolate(xs, rows, x_of_secret, secret.writable());
  if (xs.size() == 1) return secret;
  GIMS_TRY_ASSIGN(SecretBytes digest, SecretBytes::zeroed(size));
  GIMS_TRY_ASSIGN(SecretBytes expected, SecretBytes::zeroed(digest_size));
  interpolate(xs, rows, x_of_digest, digest.writable());
  write_digest(digest.bytes().subspan(digest_size), secret.bytes(),
               expected.writable().first<digest_size>());
  if (!equal_in_constant_time(digest.bytes().first(digest_size), expected.bytes())) {
    return fail(ErrorKind::bad_input, "GIMS_SLIP39_DIGEST",
                "These shares fit together and give no secret: one of them is damaged or forged.");
  }
  return secret;
}

}  // namespace gims::hsm::slip39
