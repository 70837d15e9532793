// The refusals that several services give in the same words.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace gims::service {

[[nodiscard]] inline std::unexpected<Error> forbidden(std::string_view text) {
  return fail(ErrorKind::forbidden, "M_FORBIDDEN", text);
}
[[nodiscard]] inline std::unexpected<Error> not_found(std::string_view text) {
  return fail(ErrorKind::not_found, "M_NOT_FOUND", text);
}
[[nodiscard]] inline std::unexpected<Error> invalid_param(std::string_view text) {
  return fail(ErrorKind::bad_input, "M_INVALID_PARAM", text);
}
[[nodiscard]] inline std::unexpected<Error> bad_json(std::string_view text) {
  return fail(ErrorKind::bad_input, "M_BAD_JSON", text);
}
[[nodiscard]] inline std::unexpected<Error> too_large(std::string_view text) {
  return fail(ErrorKind::too_large, "M_TOO_LARGE", text);
}
[[nodiscard]] inline std::unexpected<Error> stopping() {
  return fail(ErrorKind::unavailable, "M_UNKNOWN", "The server is stopping. Try again shortly.");
}

}  // namespace gims::service
