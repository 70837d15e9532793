// For a secret in memory that is no SecretBytes: a library's struct, the used part of a buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

namespace gims {

// Overwrites with zeros; unlike memset() it is not optimised away before the memory's end.
void wipe(std::span<std::uint8_t> bytes) noexcept;

template <class T>
  requires(std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> &&
           !std::is_pointer_v<T> && !std::is_const_v<T>)
void wipe_object(T& object) noexcept {
  wipe({reinterpret_cast<std::uint8_t*>(&object), sizeof object});
}

// What calls from here have left on the stack, `depth` bytes of it: libraries do not all wipe what
// they computed with there. Of the first of these bytes, where a call keeps its return address and
// the registers of its caller, this one's own do not cover each.
inline constexpr std::size_t unwiped_stack = 64;
void wipe_stack(std::size_t depth) noexcept;

}  // namespace gims
