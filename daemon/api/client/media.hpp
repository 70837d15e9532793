// Spec: client-server API, "Content repository".
#pragma once

#include "api/route.hpp"
#include "service/media.hpp"
#include "service/policy.hpp"

namespace gims::api::client {

// Upload, download, thumbnail, the limit of an upload, and the old downloads without
// authentication, which find nothing. The service lives longer.
[[nodiscard]] Routes media_routes(service::Media& media, const service::Policy& policy);

}  // namespace gims::api::client
