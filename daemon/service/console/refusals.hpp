// The refusals of the console's door (docs/admin-api.yaml), each in one place.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace gims::service::console {

[[nodiscard]] inline std::unexpected<Error> not_signed_in(std::string_view text) {
  return fail(ErrorKind::unauthenticated, "GIMS_NOT_SIGNED_IN", text);
}
[[nodiscard]] inline std::unexpected<Error> second_factor_wanted() {
  return fail(ErrorKind::unauthenticated, "GIMS_SECOND_FACTOR",
              "The second factor is missing: touch the security key, or type the code.");
}
// The same for an unknown name, a wrong passphrase and a wrong factor.
[[nodiscard]] inline std::unexpected<Error> sign_in_failed() {
  return fail(ErrorKind::forbidden, "GIMS_SIGN_IN_FAILED",
              "Name, passphrase or second factor are wrong.");
}
[[nodiscard]] inline std::unexpected<Error> not_fresh() {
  return fail(ErrorKind::forbidden, "GIMS_REAUTHENTICATE",
              "For this act sign in once more: the last time was more than five minutes ago.");
}
[[nodiscard]] inline std::unexpected<Error> role_refused() {
  return fail(ErrorKind::forbidden, "GIMS_ROLE", "Your role does not include this.");
}
[[nodiscard]] inline std::unexpected<Error> foreign_request(std::string_view text) {
  return fail(ErrorKind::forbidden, "GIMS_CROSS_SITE", text);
}
[[nodiscard]] inline std::unexpected<Error> csrf_refused() {
  return fail(ErrorKind::forbidden, "GIMS_CSRF",
              "The request does not have this session's token: load the page again.");
}

}  // namespace gims::service::console
