#include "crypto/password.hpp"

#include <sodium.h>

#include <array>

#include "base/check.hpp"
#include "crypto/bytes.hpp"

namespace gims::crypto {
namespace {

// What Argon2id is given in place of the password. Also makes its length no secret to lose.
Result<SecretBytes> peppered(const Redacted& password, const SecretBytes& pepper) {
  GIMS_CHECK(pepper.size() >= crypto_generichash_KEYBYTES_MIN &&
             pepper.size() <= crypto_generichash_KEYBYTES_MAX);
  const ByteView bytes = as_bytes(password.reveal());
  GIMS_TRY_ASSIGN(SecretBytes hash, SecretBytes::zeroed(crypto_generichash_BYTES_MAX));
  crypto_generichash(hash.writable().data(), hash.size(), bytes.data(), bytes.size(),
                     pepper.bytes().data(), pepper.size());
  return hash;
}

const char* chars(const SecretBytes& secret) {
  return reinterpret_cast<const char*>(secret.bytes().data());
}

// libsodium reads up to a NUL; a string_view has none.
bool terminated(std::string_view encoded, std::array<char, crypto_pwhash_STRBYTES>& out) noexcept {
  if (encoded.size() >= out.size()) return false;
  out.fill('\0');
  encoded.copy(out.data(), encoded.size());
  return true;
}

}  // namespace

Result<std::string> hash_password(const Redacted& password, const SecretBytes& pepper,
                                  PasswordCost cost) {
  if (password.reveal().size() > max_password_bytes) {
    return fail(ErrorKind::too_large, "M_TOO_LARGE", "The password is too long.");
  }
  GIMS_TRY_ASSIGN(const SecretBytes secret, peppered(password, pepper));
  std::array<char, crypto_pwhash_STRBYTES> encoded{};
  if (crypto_pwhash_str_alg(encoded.data(), chars(secret), secret.size(), cost.passes,
                            cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return fail(ErrorKind::internal, "M_UNKNOWN", "The password could not be hashed.",
                "Argon2id had no memory or a cost out of range");
  }
  return std::string(encoded.data());
}

bool password_fits(const Redacted& password, const SecretBytes& pepper, std::string_view encoded) {
  std::array<char, crypto_pwhash_STRBYTES> text;
  if (password.reveal().size() > max_password_bytes || !terminated(encoded, text)) return false;
  const auto secret = peppered(password, pepper);
  return secret && crypto_pwhash_str_verify(text.data(), chars(*secret), secret->size()) == 0;
}

bool needs_rehash(std::string_view encoded, PasswordCost cost) noexcept {
  std::array<char, crypto_pwhash_STRBYTES> text;
  return !terminated(encoded, text) ||
         crypto_pwhash_str_needs_rehash(text.data(), cost.passes, cost.memory_bytes) != 0;
}

}  // namespace gims::crypto
