// The modules of the client-server API for end-to-end encryption. Each function gives the route
// table of one module; the services must outlive the routes.
#pragma once

#include "api/route.hpp"
#include "service/accounts/interactive_auth.hpp"
#include "service/encryption/cross_signing.hpp"
#include "service/encryption/device_keys.hpp"
#include "service/encryption/key_backup.hpp"
#include "service/encryption/to_device.hpp"

namespace gims::api::client {

// POST /keys/upload, /keys/query, /keys/claim
[[nodiscard]] Routes device_key_routes(service::DeviceKeys& keys);
// POST /keys/device_signing/upload, /keys/signatures/upload
[[nodiscard]] Routes cross_signing_routes(service::CrossSigning& cross_signing,
                                          service::InteractiveAuth& auth);
// PUT /sendToDevice
[[nodiscard]] Routes to_device_routes(service::ToDevice& to_device);
// /room_keys
[[nodiscard]] Routes key_backup_routes(service::KeyBackups& backups);

}  // namespace gims::api::client
