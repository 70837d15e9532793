#include "crypto/bytes.hpp"

#include <sodium.h>

#include <array>

namespace gims::crypto {
namespace {

int variant_of(Alphabet alphabet) {
  return alphabet == Alphabet::standard ? sodium_base64_VARIANT_ORIGINAL_NO_PADDING
                                        : sodium_base64_VARIANT_URLSAFE_NO_PADDING;
}

constexpr std::uint8_t no_digit = 0xff;

// The value of each byte as a digit.
constexpr std::array<std::uint8_t, 256> digits_of(std::string_view last_two) {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  for (std::uint8_t i = 0; i < 26; ++i) {
    values['A' + std::size_t{i}] = i;
    values['a' + std::size_t{i}] = static_cast<std::uint8_t>(26 + i);
  }
  for (std::uint8_t i = 0; i < 10; ++i) {
    values['0' + std::size_t{i}] = static_cast<std::uint8_t>(52 + i);
  }
  values[static_cast<unsigned char>(last_two[0])] = 62;
  values[static_cast<unsigned char>(last_two[1])] = 63;
  return values;
}
constexpr auto standard_digits = digits_of("+/");
constexpr auto url_safe_digits = digits_of("-_");

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

// Not libsodium's: that takes bytes above 0x7f for digits.
std::optional<Bytes> from_base64(std::string_view text, Alphabet alphabet, Leftover leftover) {
  const auto& digits = alphabet == Alphabet::standard ? standard_digits : url_safe_digits;
  text = without_padding(text);
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t held = 0;
  unsigned held_bits = 0;
  for (const char c : text) {
    const std::uint8_t digit = digits[static_cast<unsigned char>(c)];
    if (digit == no_digit) return std::nullopt;
    held = (held << 6U) | digit;
    held_bits += 6;
    if (held_bits < 8) continue;
    held_bits -= 8;
    bytes.push_back(static_cast<std::uint8_t>(held >> held_bits));
    held &= (1U << held_bits) - 1;
  }
  if (held != 0 && leftover == Leftover::refused) return std::nullopt;
  return bytes;
}

std::string hex(ByteView bytes) {
  std::string text(bytes.size() * 2, '\0');
  sodium_bin2hex(text.data(), text.size() + 1, bytes.data(), bytes.size());
  return text;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  if (text.empty()) return Bytes();  // libsodium takes no null pointer
  Bytes bytes(text.size() / 2);
  std::size_t size = 0;
  if (sodium_hex2bin(bytes.data(), bytes.size(), text.data(), text.size(), nullptr, &size,
                     nullptr) != 0) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace gims::crypto
