// The encoding of every text that we take from outside.
#pragma once

#include <cstddef>
#include <string_view>

namespace gims {

// Whether the bytes are UTF-8 (RFC 3629; Unicode's table 3-7): no overlong forms, no surrogates,
// nothing above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;
// As much of it from its beginning as `most` bytes hold without cutting a character.
[[nodiscard]] std::string_view cut_utf8(std::string_view text, std::size_t most) noexcept;

}  // namespace gims
