#include "base/wipe.hpp"

#include <sodium.h>

namespace gims {

void wipe(std::span<std::uint8_t> bytes) noexcept { sodium_memzero(bytes.data(), bytes.size()); }

}  // namespace gims
