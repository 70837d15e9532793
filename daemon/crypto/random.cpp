#include "crypto/random.hpp"

#include <sodium.h>

#include <array>

#include "base/check.hpp"

namespace gims::crypto {
namespace {

constexpr std::string_view capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view alphanumerics =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

void ensure_started() noexcept { GIMS_CHECK(sodium_init() >= 0); }

std::string random_of(std::string_view alphabet, std::size_t count) {
  ensure_started();
  std::string text(count, '\0');
  for (char& c : text)
    c = alphabet[randombytes_uniform(static_cast<std::uint32_t>(alphabet.size()))];
  return text;
}

}  // namespace

void fill_random(std::span<std::uint8_t> bytes) noexcept {
  ensure_started();
  randombytes_buf(bytes.data(), bytes.size());
}

std::uint32_t random_below(std::uint32_t bound) noexcept {
  ensure_started();
  return randombytes_uniform(bound);
}

std::string random_letters(std::size_t count) { return random_of(letters, count); }
std::string random_alphanumeric(std::size_t count) { return random_of(alphanumerics, count); }

std::string random_room_id(std::string_view server_name) {
  return "!" + random_letters(18) + ":" + std::string(server_name);
}

std::string random_device_id() { return random_of(capitals, 10); }
std::string random_media_id() { return random_letters(media_id_letters); }

Redacted random_token(std::string_view prefix) {
  std::array<std::uint8_t, 32> bytes;
  fill_random(bytes);
  std::string text(prefix);
  // One allocation, so that no copy of the secret stays in freed memory.
  text.reserve(prefix.size() + 44);
  std::string encoded = base64(bytes, Alphabet::url_safe);
  text += encoded;
  sodium_memzero(encoded.data(), encoded.size());
  sodium_memzero(bytes.data(), bytes.size());
  return Redacted(std::move(text));
}

}  // namespace gims::crypto
