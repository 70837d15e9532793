// The refusals of the console's door (docs/admin-api.yaml), each in one place.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace gims::service::console {

[[nodiscard]] inline std::unexpected<Error> not_signed_in(
    std::string_view text = "You are not signed in, or your session has ended.") {
  return fail(ErrorKind::unauthenticated, "M_UNKNOWN_TOKEN", text);
}
// The same for an unknown name, a wrong passphrase, a wrong code and a wrong key.
[[nodiscard]] inline std::unexpected<Error> sign_in_refused() {
  return fail(ErrorKind::forbidden, "M_FORBIDDEN",
              "Name, passphrase, code or second factor is not right.");
}
// 410: what was begun is not there any more.
[[nodiscard]] inline std::unexpected<Error> expired(std::string_view text) {
  return fail(ErrorKind::not_found, "GIMS_EXPIRED", text);
}
[[nodiscard]] inline std::unexpected<Error> not_fresh() {
  return fail(ErrorKind::forbidden, "GIMS_FRESH",
              "Passphrase and second factor were shown too long ago: show them once more.");
}
[[nodiscard]] inline std::unexpected<Error> role_refused() {
  return fail(ErrorKind::forbidden, "GIMS_ROLE", "Your role does not allow this.");
}
[[nodiscard]] inline std::unexpected<Error> origin_refused(std::string_view text) {
  return fail(ErrorKind::forbidden, "GIMS_ORIGIN", text);
}
[[nodiscard]] inline std::unexpected<Error> not_in_this_state(std::string_view text) {
  return fail(ErrorKind::conflict, "GIMS_STATE", text);
}
[[nodiscard]] inline std::unexpected<Error> no_such_administrator() {
  return fail(ErrorKind::not_found, "GIMS_APPROVAL_UNKNOWN",
              "gims-keyd knows no administrator of this name.");
}

}  // namespace gims::service::console
