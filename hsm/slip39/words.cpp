#include "hsm/slip39/words.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "hsm/slip39/masks.hpp"
#include "hsm/slip39/wordlist.hpp"

namespace gims::hsm::slip39 {
namespace {

std::unexpected<Error> words_error(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_SLIP39_WORDS", text);
}

// A word's letters, the first in the lowest byte, zeros after the last: as in the list.
std::uint64_t word_numbered(std::uint32_t number) noexcept {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < words.size(); ++i) word |= words[i] & if_equal(i, number);
  return word;
}

struct Found {
  std::uint32_t number = 0;
  Mask known = 0;
};
Found number_of(std::uint64_t word) noexcept {
  Found found;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const Mask same = if_equal(words[i], word);
    found.number |= static_cast<std::uint32_t>(i & same);
    found.known |= same;
  }
  return found;
}

// Collects the letters of typed words, each in eight bytes of its own.
class Typed {
 public:
  [[nodiscard]] static Result<Typed> read(std::string_view text) {
    GIMS_TRY_ASSIGN(SecretBytes letters, SecretBytes::zeroed(max_words * letters_of_word));
    Typed typed(std::move(letters));
    for (const char c : text) typed.take(static_cast<std::uint8_t>(c));
    return typed;
  }

  // How many words there were, also beyond the max_words that are kept.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] Found number(std::size_t place) const noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < letters_of_word; ++i) {
      word |= std::uint64_t{letters_.bytes()[(place * letters_of_word) + i]} << (8 * i);
    }
    Found found = number_of(word);
    found.known &= ~strange_[place];
    return found;
  }

 private:
  explicit Typed(SecretBytes letters) noexcept : letters_(std::move(letters)) {}

  void take(std::uint8_t c) noexcept {
    const Mask space = if_equal(c, ' ') | if_equal(c, '\t') | if_equal(c, '\n') | if_equal(c, '\r');
    const Mask starts = after_space_ & ~space;
    count_ += starts & 1U;
    length_ &= ~starts;
    const Mask capital = ~if_below(c, 'A') & ~if_below('Z', c);
    const std::uint64_t letter = c | (capital & 0x20U);
    const Mask good =
        ~if_below(letter, 'a') & ~if_below('z', letter) & if_below(length_, letters_of_word);
    for (std::size_t place = 0; place < max_words; ++place) {
      const Mask here = if_equal(place + 1, count_) & ~space;
      strange_[place] |= here & ~good;
      const auto slots = letters_.writable().subspan(place * letters_of_word, letters_of_word);
      for (std::size_t i = 0; i < letters_of_word; ++i) {
        slots[i] |= static_cast<std::uint8_t>(letter & here & good & if_equal(i, length_));
      }
    }
    length_ += ~space & 1U;
    after_space_ = space;
  }

  SecretBytes letters_;
  std::array<Mask, max_words> strange_{};  // the word holds what no word holds
  std::uint64_t count_ = 0;
  std::uint64_t length_ = 0;  // of the word that is being read
  Mask after_space_ = ~Mask{0};
};

// "Word 3 is", "Words 3, 7 and 8 are".
std::string named(const std::vector<std::size_t>& places) {
  std::string text = places.size() == 1 ? "Word " : "Words ";
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (i > 0) text += i + 1 == places.size() ? " and " : ", ";
    text += std::to_string(places[i]);
  }
  return text + (places.size() == 1 ? " is" : " are");
}

}  // namespace

Result<WordNumbers> WordNumbers::zeroed(std::size_t count) {
  GIMS_TRY_ASSIGN(SecretBytes bytes, SecretBytes::zeroed(2 * count));
  return WordNumbers(std::move(bytes));
}

Result<Mnemonic> text_of(const WordNumbers& numbers) {
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(max_words * (letters_of_word + 1)));
  const auto text = room.writable();
  std::uint64_t end = 0;
  const auto put = [&](std::uint64_t letter, Mask there) {
    for (std::size_t place = 0; place < text.size(); ++place) {
      text[place] |= static_cast<std::uint8_t>(letter & there & if_equal(place, end));
    }
    end += there & 1U;
  };
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::uint64_t word = word_numbered(numbers.at(i));
    if (i > 0) put(' ', ~Mask{0});
    for (std::size_t k = 0; k < letters_of_word; ++k) {
      const std::uint64_t letter = (word >> (8 * k)) & 0xffU;
      put(letter, ~if_equal(letter, 0));
    }
  }
  GIMS_TRY_ASSIGN(SecretBytes exact, SecretBytes::copy_of(text.first(end)));
  return Mnemonic(std::move(exact));
}

Result<WordNumbers> numbers_of(std::string_view typed) {
  if (typed.size() > max_text) {
    return words_error("A share has at most " + std::to_string(max_words) + " words.");
  }
  GIMS_TRY_ASSIGN(const Typed read, Typed::read(typed));
  if (read.count() < min_words || read.count() > max_words) {
    return words_error("A share has " + std::to_string(min_words) + " to " +
                       std::to_string(max_words) + " words; these are " +
                       std::to_string(read.count()) + ".");
  }
  GIMS_TRY_ASSIGN(WordNumbers numbers, WordNumbers::zeroed(read.count()));
  std::vector<std::size_t> unknown;
  for (std::size_t place = 0; place < read.count(); ++place) {
    const Found found = read.number(place);
    if (found.known == 0) unknown.push_back(place + 1);
    numbers.set(place, found.number);
  }
  if (!unknown.empty()) return words_error(named(unknown) + " not in the list of words.");
  return numbers;
}

}  // namespace gims::hsm::slip39
