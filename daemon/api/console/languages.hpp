// The languages of the console's catalogues (BCP 47), the usual one first.
#pragma once

#include <array>
#include <string_view>

namespace gims::api::console {

inline constexpr std::array<std::string_view, 13> languages{
    "en", "hi", "as", "bn", "gu", "kn", "ml", "mr", "or", "pa", "ta", "te", "ur"};

}  // namespace gims::api::console
