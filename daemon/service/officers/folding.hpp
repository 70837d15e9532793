// Names as they are sorted and looked for: the same in every language and at every machine, so an
// index of the database can hold the order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gims::service {

// Two names that a reader takes for the same give the same text: A to Z in lower case, white space
// as one blank with none at the ends, a nukta after its letter (Unicode writes it in two ways), no
// joiners (U+200C, U+200D) and no byte order marks. The order of such texts is that of their code
// points, which is that of their bytes. `text` must be UTF-8.
[[nodiscard]] std::string folded(std::string_view text);

// What a search by the beginning of a word finds: the folded text from each of its words on, each
// cut to what the index holds.
[[nodiscard]] std::vector<std::string> terms_of(std::string_view text);

// U+10FFFF, which no name has: behind whatever begins as it does.
inline constexpr std::string_view after_every_letter = "\U0010ffff";
// A text behind all that begin with `prefix`, and before the others that follow.
[[nodiscard]] std::string end_of_prefix(std::string_view prefix);

inline constexpr std::size_t longest_term = 96;  // bytes

}  // namespace gims::service
