#include "crypto/ed25519.hpp"

#include <sodium.h>

#include <algorithm>

namespace gims::crypto {

static_assert(sizeof(PublicKey) == crypto_sign_PUBLICKEYBYTES);
static_assert(sizeof(Signature) == crypto_sign_BYTES);

std::optional<PublicKey> public_key_from_base64(std::string_view text) {
  const auto bytes = from_base64(text, Alphabet::standard, Leftover::ignored);
  PublicKey key;
  if (!bytes || bytes->size() != key.size()) return std::nullopt;
  std::ranges::copy(*bytes, key.begin());
  return key;
}

bool verify(const PublicKey& key, ByteView message, ByteView signature) noexcept {
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     key.data()) == 0;
}

Result<SigningKey> SigningKey::from_seed(ByteView seed) {
  if (seed.size() != crypto_sign_SEEDBYTES) {
    return fail(ErrorKind::internal, "GIMS_KEY", "A signing key's seed has 32 bytes.");
  }
  SigningKey key;
  GIMS_TRY_ASSIGN(key.secret_, SecretBytes::zeroed(crypto_sign_SECRETKEYBYTES));
  crypto_sign_seed_keypair(key.public_key_.data(), key.secret_.writable().data(), seed.data());
  return key;
}

Signature SigningKey::sign(ByteView message) const noexcept {
  Signature signature;
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(),
                       secret_.bytes().data());
  return signature;
}

}  // namespace gims::crypto
