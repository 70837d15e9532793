// HMAC-SHA1 (RFC 2104), where another program's protocol wants it and libsodium has none.
#pragma once

#include <array>
#include <cstdint>

#include "crypto/bytes.hpp"

namespace gims::crypto {

using Sha1Mac = std::array<std::uint8_t, 20>;

[[nodiscard]] Sha1Mac hmac_sha1(ByteView key, ByteView bytes) noexcept;

}  // namespace gims::crypto
