#include "crypto/hash.hpp"

#include <sodium.h>

#include "base/check.hpp"

namespace gims::crypto {
namespace {

void start(crypto_generichash_state& state, const SecretBytes& key, std::size_t size) noexcept {
  GIMS_CHECK(key.size() >= crypto_generichash_KEYBYTES_MIN &&
             key.size() <= crypto_generichash_KEYBYTES_MAX);
  GIMS_CHECK(crypto_generichash_init(&state, key.bytes().data(), key.size(), size) == 0);
}

void add(crypto_generichash_state& state, ByteView bytes) noexcept {
  crypto_generichash_update(&state, bytes.data(), bytes.size());
}

void add_with_length(crypto_generichash_state& state, ByteView part) noexcept {
  std::array<std::uint8_t, 8> length;
  for (std::size_t i = 0; i < length.size(); ++i) {
    length[i] = static_cast<std::uint8_t>(std::uint64_t{part.size()} >> (8 * i));
  }
  add(state, length);
  add(state, part);
}

}  // namespace

Digest sha256(ByteView bytes) noexcept {
  Digest digest;
  crypto_hash_sha256(digest.data(), bytes.data(), bytes.size());
  return digest;
}

Digest keyed_hash(const SecretBytes& key, ByteView bytes) noexcept {
  Digest digest;
  crypto_generichash_state state;
  start(state, key, digest.size());
  add(state, bytes);
  crypto_generichash_final(&state, digest.data(), digest.size());
  return digest;
}

Digest keyed_hash(const SecretBytes& key, std::span<const ByteView> parts) noexcept {
  Digest digest;
  crypto_generichash_state state;
  start(state, key, digest.size());
  for (const ByteView part : parts) add_with_length(state, part);
  crypto_generichash_final(&state, digest.data(), digest.size());
  return digest;
}

Result<SecretBytes> derive_key(const SecretBytes& key, std::string_view purpose, ByteView salt) {
  const std::array<ByteView, 2> parts{as_bytes(purpose), salt};
  Digest digest = keyed_hash(key, parts);
  auto derived = SecretBytes::copy_of(digest);
  sodium_memzero(digest.data(), digest.size());
  return derived;
}

}  // namespace gims::crypto
