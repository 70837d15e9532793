#include "hsm/slip39/rs1024.hpp"

#include <array>

#include "hsm/slip39/masks.hpp"

namespace gims::hsm::slip39 {
namespace {

constexpr std::array<std::uint64_t, 10> generator{0xe0e040,   0x1c1c080,  0x3838100,  0x7070200,
                                                  0xe0e0009,  0x1c0c2412, 0x38086c24, 0x3090fc48,
                                                  0x21b1f890, 0x3f3f120};

std::uint64_t step(std::uint64_t state, std::uint64_t value) noexcept {
  const std::uint64_t top = state >> 20U;
  state = ((state & 0xfffffU) << 10U) ^ value;
  for (std::size_t bit = 0; bit < generator.size(); ++bit) {
    state ^= if_odd(top >> bit) & generator[bit];
  }
  return state;
}

// 1 for a text whose checksum holds.
std::uint64_t remainder(const WordNumbers& numbers, bool extendable) noexcept {
  std::uint64_t state = 1;
  for (const char c : std::string_view(extendable ? "shamir_extendable" : "shamir")) {
    state = step(state, static_cast<std::uint8_t>(c));
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) state = step(state, numbers.at(i));
  return state;
}

}  // namespace

void write_checksum(WordNumbers& numbers, bool extendable) noexcept {
  const std::size_t start = numbers.size() - checksum_words;
  for (std::size_t i = 0; i < checksum_words; ++i) numbers.set(start + i, 0);
  const std::uint64_t checksum = remainder(numbers, extendable) ^ 1U;
  for (std::size_t i = 0; i < checksum_words; ++i) {
    const std::uint64_t word = checksum >> (10 * (checksum_words - 1 - i));
    numbers.set(start + i, static_cast<std::uint32_t>(word & 0x3ffU));
  }
}

bool checksum_holds(const WordNumbers& numbers, bool extendable) noexcept {
  return if_equal(remainder(numbers, extendable), 1) != 0;
}

}  // namespace gims::hsm::slip39
