// The refusals of the rules of authorisation.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace gims::matrix::detail {

[[nodiscard]] inline std::unexpected<Error> rejected(std::string_view text) {
  return fail(ErrorKind::forbidden, "M_FORBIDDEN", text);
}

}  // namespace gims::matrix::detail
