// What an administrator of this machine may ask over the admin socket (docs/admin-guide.md):
// /_gims/admin/v1. gimsctl is its client. Every act is in the audit log, in the operation that
// does it. Each function gives the route table of one module; the services must outlive the routes.
#pragma once

#include "api/route.hpp"
#include "service/accounts/slips.hpp"
#include "service/accounts/users.hpp"
#include "service/attestation.hpp"
#include "service/audit_log.hpp"
#include "service/officers/imports.hpp"
#include "service/officers/officers.hpp"
#include "service/officers/organisation.hpp"
#include "service/officers/site_devices.hpp"
#include "service/reports.hpp"
#include "service/rooms/rooms.hpp"
#include "service/rooms/site_rooms.hpp"
#include "service/schema_migration.hpp"
#include "service/site_status.hpp"
#include "service/two_persons.hpp"
#include "service/unit_acts.hpp"

namespace gims::api::admin {

// GET /status; GET /check (how far the one is that runs), POST /check
[[nodiscard]] Routes status_routes(service::SiteStatus& site);
// POST /migrate: once a start of this release was told to be good
[[nodiscard]] Routes migration_routes(service::SchemaMigration& migration);
// POST and GET /users, GET and PATCH /users/{userId}, POST /users/{userId}/lock, unlock, suspend,
// reset, deactivate; PUT /users/{userId}/clearance; GET /labels
struct OfficerServices {
  service::Users& users;
  service::Officers& officers;
  service::Slips& slips;
  service::SiteDevices& devices;
};
[[nodiscard]] Routes user_routes(OfficerServices services);
// GET /organisation; POST, PUT and DELETE /organisation/units, /organisation/designations
[[nodiscard]] Routes organisation_routes(service::Organisation& organisation);
// POST /imports (a CSV file), GET /imports/{importId}/rows, POST /imports/{importId}/commit,
// DELETE /imports/{importId}
[[nodiscard]] Routes import_routes(service::Imports& imports);
// GET and POST /slips, DELETE /slips/{slipId}
[[nodiscard]] Routes slip_routes(service::Users& users, service::Slips& slips);
// GET /devices, GET /users/{userId}/devices, DELETE /users/{userId}/devices/{deviceId}, POST
// .../{deviceId}/lock, unlock, wipe
[[nodiscard]] Routes device_routes(service::Users& users, service::SiteDevices& devices);
// GET /rooms, /rooms/{roomId}, /rooms/{roomId}/members, POST /rooms/{roomId}/shutdown
[[nodiscard]] Routes room_routes(service::rooms::SiteRooms& site, service::rooms::Rooms& rooms);
// GET /reports, POST /reports/{reportId}/close
[[nodiscard]] Routes report_routes(service::Reports& reports);
// POST /users/{userId}/reset-identity: what two administrators approved in gims-keyd
[[nodiscard]] Routes identity_routes(service::Users& users, service::TwoPersons& two_persons);
// GET /audit, POST /audit/verify; GET /audit/certificate, as the TPM signed it
[[nodiscard]] Routes audit_routes(service::AuditLog& audit);
// POST /audit/acts {"act", "at", "step", "text"}: by root alone
[[nodiscard]] Routes unit_routes(service::UnitActs& acts);
// POST /attestation {"nonce"}
[[nodiscard]] Routes attestation_routes(service::Attestation& attestation);

}  // namespace gims::api::admin
