// The check of paths that name the caller: /user/{userId}/...
#pragma once

#include "api/call.hpp"
#include "service/errors.hpp"

namespace gims::api::client {

[[nodiscard]] inline Result<> require_own_user(const Call& call) {
  if (call.param("userId") != call.caller().user_id) {
    return service::forbidden("This belongs to another user.");
  }
  return {};
}

}  // namespace gims::api::client
