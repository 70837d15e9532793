// The refusals of the rules of authorisation.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace gims::matrix::detail {

[[nodiscard]] inline std::unexpected<Error> rejected(std::string_view text) {
  return fail(ErrorKind::forbidden, "M_FORBIDDEN", text);
}

// Where the content is what no state would allow.
[[nodiscard]] inline std::unexpected<Error> malformed(std::string_view text) {
  return fail(ErrorKind::bad_input, "M_BAD_JSON", text);
}

}  // namespace gims::matrix::detail
