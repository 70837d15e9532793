// Not Matrix's: what the unit states about itself (docs/protocol-keyd.md, "Attestation"), so that a
// client can tell whether it is the one that it knows, and runs what was released.
#pragma once

#include "api/route.hpp"
#include "service/attestation.hpp"

namespace gims::api::client {

// GET /_gims/attestation?nonce=: 64 hex digits. Of anybody, since it comes before signing in. The
// service lives longer.
[[nodiscard]] Routes attestation_routes(service::Attestation& attestation);

}  // namespace gims::api::client
