// What an administrator of this machine may ask over the admin socket (docs/admin-guide.md):
// /_gims/admin/v1. gimsctl is its client. Every act is in the audit log, in the operation that
// does it. Each function gives the route table of one module; the services must outlive the routes.
#pragma once

#include "api/route.hpp"
#include "service/accounts/devices.hpp"
#include "service/accounts/profiles.hpp"
#include "service/accounts/users.hpp"
#include "service/attestation.hpp"
#include "service/audit_log.hpp"
#include "service/site_status.hpp"
#include "service/two_persons.hpp"
#include "service/unit_acts.hpp"

namespace gims::api::admin {

// GET /status; GET /check (how far the one is that runs), POST /check
[[nodiscard]] Routes status_routes(service::SiteStatus& site);
// POST and GET /users, GET /users/{userId}, POST /users/{userId}/lock, unlock, reset, deactivate
[[nodiscard]] Routes user_routes(service::Users& users, service::Devices& devices,
                                 service::Profiles& profiles);
// GET /users/{userId}/devices, DELETE /users/{userId}/devices/{deviceId}
[[nodiscard]] Routes device_routes(service::Users& users, service::Devices& devices);
// POST /users/{userId}/reset-identity: what two administrators approved in gims-keyd
[[nodiscard]] Routes identity_routes(service::Users& users, service::TwoPersons& two_persons);
// GET /audit, POST /audit/verify; GET /audit/certificate, as the TPM signed it
[[nodiscard]] Routes audit_routes(service::AuditLog& audit);
// POST /audit/acts {"act", "at", "step", "text"}: by root alone
[[nodiscard]] Routes unit_routes(service::UnitActs& acts);
// POST /attestation {"nonce"}
[[nodiscard]] Routes attestation_routes(service::Attestation& attestation);

}  // namespace gims::api::admin
