// Binary data as text (spec: appendices, "Unpadded Base64").
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gims::crypto {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

[[nodiscard]] inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

enum class Alphabet { standard, url_safe };

// Without padding.
[[nodiscard]] std::string base64(ByteView bytes, Alphabet alphabet = Alphabet::standard);
// Strict: nothing for characters of another alphabet, white space, a wrong length, or bits set that
// no encoder sets, so that no two texts stand for the same bytes. Full padding is taken, as the
// spec asks. `Leftover::ignored` takes such bits: for keys and signatures of others, as the spec's
// own test vectors have them. Not in constant time: for public data.
enum class Leftover { refused, ignored };
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text,
                                               Alphabet alphabet = Alphabet::standard,
                                               Leftover leftover = Leftover::refused);

[[nodiscard]] std::string hex(ByteView bytes);  // lower case
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);
// Exactly N bytes.
template <std::size_t N>
[[nodiscard]] std::optional<std::array<std::uint8_t, N>> array_from_hex(std::string_view text) {
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != N) return std::nullopt;
  std::array<std::uint8_t, N> out{};
  std::ranges::copy(*bytes, out.begin());
  return out;
}

}  // namespace gims::crypto
