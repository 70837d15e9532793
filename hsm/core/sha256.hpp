// SHA-256 (FIPS 180-4).
#pragma once

#include <initializer_list>

#include "hsm/core/vault.hpp"

namespace gims::hsm {

// Of the parts one after the other.
[[nodiscard]] Digest sha256(std::initializer_list<BytesView> parts) noexcept;

}  // namespace gims::hsm
