#include "crypto/password.hpp"

#include <sodium.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>

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

std::unexpected<Error> no_memory() {
  return fail(ErrorKind::unavailable, "M_UNKNOWN",
              "The server has no memory for this now. Try again shortly.",
              "no memory for Argon2id");
}

// libsodium reads up to a NUL; a string_view has none.
bool terminated(std::string_view encoded, std::array<char, crypto_pwhash_STRBYTES>& out) noexcept {
  if (encoded.size() >= out.size()) return false;
  out.fill('\0');
  encoded.copy(out.data(), encoded.size());
  return true;
}

constexpr std::size_t hash_bytes = 32;  // that libsodium writes

// "$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH", as libsodium writes it (the format of the PHC).
struct Encoded {
  std::uint64_t passes = 0;
  std::size_t memory = 0;
  std::array<unsigned char, crypto_pwhash_SALTBYTES> salt{};
  std::array<unsigned char, hash_bytes> hash{};
};

bool skip(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

template <class Number>
bool number(std::string_view& text, Number& out) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return error == std::errc{};
}

template <std::size_t size>
bool base64(std::string_view text, std::array<unsigned char, size>& out) {
  std::size_t length = 0;
  return sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &length,
                           nullptr, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) == 0 &&
         length == out.size();
}

// Nothing for another form, and for a cost that crypto_pwhash() would refuse.
std::optional<Encoded> parse(std::string_view text) {
  Encoded encoded;
  std::size_t kibibytes = 0;
  if (!skip(text, "$argon2id$v=19$m=") || !number(text, kibibytes) || !skip(text, ",t=") ||
      !number(text, encoded.passes) || !skip(text, ",p=1$")) {
    return std::nullopt;
  }
  const std::size_t end = text.find('$');
  if (end == std::string_view::npos || !base64(text.substr(0, end), encoded.salt) ||
      !base64(text.substr(end + 1), encoded.hash)) {
    return std::nullopt;
  }
  if (kibibytes < crypto_pwhash_MEMLIMIT_MIN / 1024 || kibibytes > SIZE_MAX / 1024 ||
      encoded.passes < crypto_pwhash_OPSLIMIT_MIN || encoded.passes > crypto_pwhash_OPSLIMIT_MAX) {
    return std::nullopt;
  }
  encoded.memory = kibibytes * 1024;
  return encoded;
}

}  // namespace

Result<std::string> hash_password(const Redacted& password, const SecretBytes& pepper,
                                  PasswordCost cost) {
  if (password.reveal().size() > max_password_bytes) {
    return fail(ErrorKind::too_large, "M_TOO_LARGE", "The password is too long.");
  }
  GIMS_TRY_ASSIGN(const SecretBytes secret, peppered(password, pepper));
  std::array<char, crypto_pwhash_STRBYTES> encoded{};
  errno = 0;
  if (crypto_pwhash_str_alg(encoded.data(), chars(secret), secret.size(), cost.passes,
                            cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    if (errno == ENOMEM) return no_memory();
    return fail(ErrorKind::internal, "M_UNKNOWN", "The password could not be hashed.",
                "Argon2id's cost is out of range");
  }
  return std::string(encoded.data());
}

Result<bool> password_fits(const Redacted& password, const SecretBytes& pepper,
                           std::string_view encoded) {
  const auto wanted = parse(encoded);
  if (password.reveal().size() > max_password_bytes || !wanted) return false;
  GIMS_TRY_ASSIGN(const SecretBytes secret, peppered(password, pepper));
  // crypto_pwhash_str_verify() calls want of memory a wrong password.
  std::array<unsigned char, hash_bytes> hash;
  if (crypto_pwhash(hash.data(), hash.size(), chars(secret), secret.size(), wanted->salt.data(),
                    wanted->passes, wanted->memory, crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return no_memory();
  }
  return sodium_memcmp(hash.data(), wanted->hash.data(), hash.size()) == 0;
}

bool needs_rehash(std::string_view encoded, PasswordCost cost) noexcept {
  std::array<char, crypto_pwhash_STRBYTES> text;
  return !terminated(encoded, text) ||
         crypto_pwhash_str_needs_rehash(text.data(), cost.passes, cost.memory_bytes) != 0;
}

}  // namespace gims::crypto
