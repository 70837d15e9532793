// The words of SLIP-0039 ("Wordlist"): sorted, of 4 to 8 letters a to z, no two alike in their
// first four.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace gims::hsm::slip39 {

inline constexpr std::size_t letters_of_word = 8;  // at most

// Each in one number: the first letter in the lowest byte, zeros after the last.
extern const std::array<std::uint64_t, 1024> words;

}  // namespace gims::hsm::slip39
