// The checksum of a share (SLIP-0039, "Checksum"): a Reed-Solomon code over GF(1024) in its last
// three words, over a label and all others. It notices up to three wrong words, and more with a
// probability of all but one in 2^30.
#pragma once

#include "hsm/slip39/words.hpp"

namespace gims::hsm::slip39 {

inline constexpr std::size_t checksum_words = 3;

// There are more words than the checksum's. What it is does not depend on the last three.
void write_checksum(WordNumbers& numbers, bool extendable) noexcept;
[[nodiscard]] bool checksum_holds(const WordNumbers& numbers, bool extendable) noexcept;

}  // namespace gims::hsm::slip39
