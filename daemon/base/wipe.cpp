#include "base/wipe.hpp"

#include <sodium.h>

namespace gims {

void wipe(std::span<std::uint8_t> bytes) noexcept { sodium_memzero(bytes.data(), bytes.size()); }

void wipe_stack(std::size_t depth) noexcept { sodium_stackzero(depth); }

}  // namespace gims
