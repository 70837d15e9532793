#include "crypto/bytes.hpp"

#include <sodium.h>

namespace gims::crypto {
namespace {

int variant_of(Alphabet alphabet) {
  return alphabet == Alphabet::standard ? sodium_base64_VARIANT_ORIGINAL_NO_PADDING
                                        : sodium_base64_VARIANT_URLSAFE_NO_PADDING;
}

std::string_view without_padding(std::string_view text) {
  if (text.size() % 4 != 0) return text;
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string base64(ByteView bytes, Alphabet alphabet) {
  const int variant = variant_of(alphabet);
  // The length counts a NUL, for which std::string has room of its own.
  std::string text(sodium_base64_encoded_len(bytes.size(), variant) - 1, '\0');
  sodium_bin2base64(text.data(), text.size() + 1, bytes.data(), bytes.size(), variant);
  return text;
}

std::optional<Bytes> from_base64(std::string_view text, Alphabet alphabet) {
  text = without_padding(text);
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes bytes(text.size() * 3 / 4);
  std::size_t size = 0;
  if (sodium_base642bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size,
                        nullptr, variant_of(alphabet)) != 0) {
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

std::string hex(ByteView bytes) {
  std::string text(bytes.size() * 2, '\0');
  sodium_bin2hex(text.data(), text.size() + 1, bytes.data(), bytes.size());
  return text;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes(text.size() / 2);
  std::size_t size = 0;
  if (sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size,
                     nullptr) != 0) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace gims::crypto
