// Identifiers nobody can guess, from the system's generator. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "crypto/bytes.hpp"

namespace gims::crypto {

void fill_random(std::span<std::uint8_t> bytes) noexcept;
// Uniform in [0, bound); 0 for a bound of 0.
[[nodiscard]] std::uint32_t random_below(std::uint32_t bound) noexcept;

[[nodiscard]] std::string random_letters(std::size_t count);       // of A-Z a-z
[[nodiscard]] std::string random_alphanumeric(std::size_t count);  // of A-Z a-z 0-9

// "!" 18 letters ":" server; of room versions before 12.
[[nodiscard]] std::string random_room_id(std::string_view server_name);
[[nodiscard]] std::string random_device_id();  // 10 capital letters
// Over 128 bits, as it alone is the way in.
inline constexpr std::size_t media_id_letters = 24;
[[nodiscard]] std::string random_media_id();
// 256 bits in URL-safe Base64, after a prefix that tells a leaked token's kind ("gims_at_").
[[nodiscard]] Redacted random_token(std::string_view prefix);

}  // namespace gims::crypto
