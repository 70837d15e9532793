#include "hsm/ca/hex.hpp"

#include <sodium.h>

#include <string_view>

namespace gims::hsm {

std::string hex(BytesView bytes) {
  // With room for the zero that sodium_bin2hex() writes at the end.
  std::string text(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

Result<SecretBytes> hex_of_secret(const SecretBytes& secret) {
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(2 * secret.size() + 1));
  sodium_bin2hex(reinterpret_cast<char*>(room.writable().data()), room.size(),
                 secret.bytes().data(), secret.size());
  return SecretBytes::copy_of(room.bytes().first(2 * secret.size()));
}

std::string fingerprint(BytesView bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    if (!text.empty()) text.push_back(':');
    text += {digits[byte >> 4U], digits[byte & 15U]};
  }
  return text;
}

}  // namespace gims::hsm
