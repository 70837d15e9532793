// The modules of the client-server API that concern one's own account. Each function gives the
// route table of one module; the services must outlive the routes.
#pragma once

#include "api/route.hpp"
#include "service/accounts/account_data.hpp"
#include "service/accounts/devices.hpp"
#include "service/accounts/interactive_auth.hpp"
#include "service/accounts/profiles.hpp"
#include "service/accounts/sessions.hpp"
#include "service/accounts/users.hpp"
#include "service/policy.hpp"

namespace gims::api::client {

// GET /versions, /.well-known/matrix/client, /capabilities
[[nodiscard]] Routes discovery_routes(const service::Policy& policy);
// GET and POST /login, /refresh, /logout, /logout/all, /account/whoami
[[nodiscard]] Routes session_routes(service::Sessions& sessions);
// POST /register, GET /register/available
[[nodiscard]] Routes registration_routes(service::Users& users, service::Sessions& sessions,
                                         service::InteractiveAuth& auth,
                                         const service::Policy& policy);
// POST /account/password, /account/deactivate and the refusals of third-party identifiers
[[nodiscard]] Routes account_routes(service::Users& users, service::Sessions& sessions,
                                    service::InteractiveAuth& auth);
// /devices, /delete_devices
[[nodiscard]] Routes device_routes(service::Devices& devices, service::InteractiveAuth& auth);
// /profile
[[nodiscard]] Routes profile_routes(service::Profiles& profiles, const service::Policy& policy);
// /user/{userId}/account_data, /user/{userId}/rooms/{roomId}/account_data, .../tags
[[nodiscard]] Routes account_data_routes(service::AccountData& data);
// POST /user_directory/search
[[nodiscard]] Routes user_directory_routes(service::Users& users);

}  // namespace gims::api::client
