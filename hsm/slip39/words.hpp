// Between the numbers of words and their text. Every word is compared with every entry of the list
// and every letter goes past every place, so that neither a branch nor an address depends on a
// word.
#pragma once

#include <string_view>

#include "hsm/slip39/slip39.hpp"

namespace gims::hsm::slip39 {

// The numbers, each 0 to 1023, of a share's words: 10 bits of it each. Places are public, what is
// there is not.
class WordNumbers {
 public:
  [[nodiscard]] static Result<WordNumbers> zeroed(std::size_t count);

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() / 2; }
  [[nodiscard]] std::uint32_t at(std::size_t place) const noexcept {
    const auto bytes = bytes_.bytes().subspan(2 * place, 2);
    return (std::uint32_t{bytes[0]} << 8U) | bytes[1];
  }
  void set(std::size_t place, std::uint32_t number) noexcept {
    const auto bytes = bytes_.writable().subspan(2 * place, 2);
    bytes[0] = static_cast<std::uint8_t>(number >> 8U);
    bytes[1] = static_cast<std::uint8_t>(number);
  }

 private:
  explicit WordNumbers(SecretBytes bytes) noexcept : bytes_(std::move(bytes)) {}
  SecretBytes bytes_;
};

// At most max_words numbers.
[[nodiscard]] Result<Mnemonic> text_of(const WordNumbers& numbers);
// Fails (bad_input, GIMS_SLIP39_WORDS) unless these are min_words to max_words words of the list.
[[nodiscard]] Result<WordNumbers> numbers_of(std::string_view typed);

}  // namespace gims::hsm::slip39
