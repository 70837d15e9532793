// SHA-256 (FIPS 180-4).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "hsm/proto/frame.hpp"

namespace gims::hsm {

using Digest = std::array<std::uint8_t, 32>;

// Of the parts one after the other.
[[nodiscard]] Digest sha256(std::initializer_list<BytesView> parts) noexcept;

}  // namespace gims::hsm
