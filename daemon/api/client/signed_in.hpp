// What login, registration and refresh have in common on the wire.
#pragma once

#include <string>

#include "json/value.hpp"
#include "service/accounts/sessions.hpp"

namespace gims::api::client {

// device_id, initial_device_display_name, refresh_token
[[nodiscard]] Result<> decode_new_device(json::Value body, service::LoginRequest& request);
// The body of POST /login. M_UNKNOWN for another kind of login, or of user.
[[nodiscard]] Result<service::LoginRequest> decode_login(json::Value body);
// The body of 200 of POST /login and POST /register.
[[nodiscard]] std::string signed_in_json(const service::SignedIn& signed_in);
// The body of 200 of POST /refresh.
[[nodiscard]] std::string refreshed_json(const service::SignedIn& signed_in);

}  // namespace gims::api::client
