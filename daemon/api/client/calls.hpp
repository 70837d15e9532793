// Spec: client-server API, "Voice over IP".
#pragma once

#include "api/route.hpp"
#include "service/calls.hpp"

namespace gims::api::client {

// GET /voip/turnServer, where there is a relay. `calls` outlives the routes.
[[nodiscard]] Routes call_routes(const service::Calls& calls);

}  // namespace gims::api::client
