#include "crypto/sealed.hpp"

#include <sodium.h>

#include <algorithm>

#include "base/check.hpp"
#include "crypto/random.hpp"

namespace gims::crypto {
namespace {

constexpr std::uint8_t version = 1;
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(seal_overhead == 1 + nonce_bytes + tag_bytes);

// Writes plain.size() bytes to `out`, which has room for them.
bool open_into(const SecretBytes& key, ByteView context, ByteView sealed, std::uint8_t* out) {
  if (key.size() != crypto_aead_xchacha20poly1305_ietf_KEYBYTES) return false;
  if (sealed.size() < seal_overhead || sealed.front() != version) return false;
  const ByteView nonce = sealed.subspan(1, nonce_bytes);
  const ByteView cipher = sealed.subspan(1 + nonce_bytes);
  return crypto_aead_xchacha20poly1305_ietf_decrypt(out, nullptr, nullptr, cipher.data(),
                                                    cipher.size(), context.data(), context.size(),
                                                    nonce.data(), key.bytes().data()) == 0;
}

std::size_t plain_size(ByteView sealed) {
  return sealed.size() < seal_overhead ? 0 : sealed.size() - seal_overhead;
}

std::unexpected<Error> not_opened() {
  return fail(ErrorKind::internal, "GIMS_SEALED", "A stored value could not be decrypted.",
              "another key or place, or changed bytes");
}

}  // namespace

Bytes seal(const SecretBytes& key, ByteView context, ByteView plain) {
  GIMS_CHECK(key.size() == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  Bytes sealed(plain.size() + seal_overhead);
  sealed.front() = version;
  const std::span<std::uint8_t> nonce = std::span(sealed).subspan(1, nonce_bytes);
  fill_random(nonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data() + 1 + nonce_bytes, nullptr, plain.data(),
                                             plain.size(), context.data(), context.size(), nullptr,
                                             nonce.data(), key.bytes().data());
  return sealed;
}

Result<Bytes> open(const SecretBytes& key, ByteView context, ByteView sealed) {
  Bytes plain(plain_size(sealed));
  if (!open_into(key, context, sealed, plain.data())) return not_opened();
  return plain;
}

Result<SecretBytes> open_secret(const SecretBytes& key, ByteView context, ByteView sealed) {
  GIMS_TRY_ASSIGN(SecretBytes plain, SecretBytes::zeroed(plain_size(sealed)));
  if (!open_into(key, context, sealed, plain.writable().data())) return not_opened();
  return plain;
}

}  // namespace gims::crypto
