#include "hsm/ca/sha256.hpp"

#include <sodium.h>

namespace gims::hsm {

Digest sha256(std::initializer_list<BytesView> parts) noexcept {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  for (const BytesView part : parts) {
    crypto_hash_sha256_update(&state, part.data(), part.size());
  }
  Digest digest{};
  crypto_hash_sha256_final(&state, digest.data());
  return digest;
}

}  // namespace gims::hsm
