// A share and its words: a head of 40 bits, the value with zeros in front of it up to whole words,
// the checksum (SLIP-0039, "Format of the share mnemonic").
#include "hsm/slip39/share.hpp"

#include <string>

#include "hsm/slip39/masks.hpp"
#include "hsm/slip39/rs1024.hpp"
#include "hsm/slip39/words.hpp"

namespace gims::hsm::slip39 {
namespace {

constexpr std::size_t bits_of_word = 10;
constexpr std::size_t head_words = 4;
constexpr std::size_t most_padding = 8;  // bits

std::unexpected<Error> share_error(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_SLIP39_SHARE", text);
}

std::size_t words_of(std::size_t value_size) {
  return (8 * value_size + bits_of_word - 1) / bits_of_word;
}

void write_head(const Share& share, WordNumbers& numbers) {
  const std::uint32_t groups = share.set.group_count - 1U;
  numbers.set(0, share.set.identifier >> 5U);
  numbers.set(1, ((share.set.identifier & 0x1fU) << 5U) | (share.set.extendable ? 0x10U : 0U) |
                     share.set.iteration_exponent);
  numbers.set(2, (std::uint32_t{share.group} << 6U) | ((share.set.group_threshold - 1U) << 2U) |
                     (groups >> 2U));
  numbers.set(3,
              ((groups & 3U) << 8U) | (std::uint32_t{share.member} << 4U) | (share.threshold - 1U));
}

void read_head(const WordNumbers& numbers, Share& share) {
  const auto four_bits = [&](std::size_t word, unsigned from) {
    return static_cast<std::uint8_t>((numbers.at(word) >> from) & 0xfU);
  };
  share.set.identifier = static_cast<std::uint16_t>((numbers.at(0) << 5U) | (numbers.at(1) >> 5U));
  share.set.extendable = (numbers.at(1) & 0x10U) != 0;
  share.set.iteration_exponent = four_bits(1, 0);
  share.group = four_bits(2, 6);
  share.set.group_threshold = static_cast<std::uint8_t>(four_bits(2, 2) + 1);
  share.set.group_count =
      static_cast<std::uint8_t>((((numbers.at(2) & 3U) << 2U) | (numbers.at(3) >> 8U)) + 1);
  share.member = four_bits(3, 4);
  share.threshold = static_cast<std::uint8_t>(four_bits(3, 0) + 1);
}

}  // namespace

Result<> check(const Share& share) {
  const SetParameters& set = share.set;
  const std::size_t size = share.value.size();
  if (set.iteration_exponent > max_iteration_exponent) {
    return share_error("This share asks for more iterations than are taken here.");
  }
  if (set.identifier > 0x7fff || set.group_count < 1 || set.group_count > max_groups ||
      set.group_threshold < 1 || set.group_threshold > set.group_count ||
      share.group >= set.group_count || share.member >= max_members || share.threshold < 1 ||
      share.threshold > max_members || size < min_secret || size > max_secret || size % 2 != 0) {
    return share_error(
        "This share contradicts itself; whatever made it does not follow SLIP-0039.");
  }
  return {};
}

bool same_share(const Share& a, const Share& b) noexcept {
  return a.set == b.set && a.group == b.group && a.member == b.member &&
         a.threshold == b.threshold && equal_in_constant_time(a.value.bytes(), b.value.bytes());
}

Result<Mnemonic> encode(const Share& share) {
  GIMS_TRY(check(share));
  const auto value = share.value.bytes();
  const std::size_t value_words = words_of(value.size());
  GIMS_TRY_ASSIGN(WordNumbers numbers,
                  WordNumbers::zeroed(head_words + value_words + checksum_words));
  write_head(share, numbers);
  const std::size_t padding = value_words * bits_of_word - 8 * value.size();
  for (std::size_t i = 0; i < 8 * value.size(); ++i) {
    const std::uint32_t bit = (std::uint32_t{value[i / 8]} >> (7 - i % 8)) & 1U;
    const std::size_t place = head_words + (padding + i) / bits_of_word;
    numbers.set(place,
                numbers.at(place) | (bit << (bits_of_word - 1 - (padding + i) % bits_of_word)));
  }
  write_checksum(numbers, share.set.extendable);
  return text_of(numbers);
}

Result<Share> decode(std::string_view typed) {
  GIMS_TRY_ASSIGN(const WordNumbers numbers, numbers_of(typed));
  const std::size_t value_words = numbers.size() - head_words - checksum_words;
  const std::size_t size = value_words * bits_of_word / 16 * 2;
  const std::size_t padding = value_words * bits_of_word - 8 * size;
  if (padding > most_padding) {
    return fail(ErrorKind::bad_input, "GIMS_SLIP39_WORDS",
                "No share has " + std::to_string(numbers.size()) +
                    " words: some are missing, or there are too many.");
  }
  Share share;
  read_head(numbers, share);
  if (!checksum_holds(numbers, share.set.extendable)) {
    return fail(ErrorKind::bad_input, "GIMS_SLIP39_CHECKSUM",
                "These are words of the list and no share: a word is wrong or in another place.");
  }
  GIMS_TRY_ASSIGN(share.value, SecretBytes::zeroed(size));
  std::uint32_t before = 0;
  for (std::size_t i = 0; i < value_words * bits_of_word; ++i) {
    const std::uint32_t word = numbers.at(head_words + i / bits_of_word);
    const std::uint32_t bit = (word >> (bits_of_word - 1 - i % bits_of_word)) & 1U;
    if (i < padding) {
      before |= bit;
    } else {
      share.value.writable()[(i - padding) / 8] |=
          static_cast<std::uint8_t>(bit << (7 - (i - padding) % 8));
    }
  }
  if (before != 0) return share_error("This share's value is longer than its words have room for.");
  GIMS_TRY(check(share));
  return share;
}

}  // namespace gims::hsm::slip39
