// Accounts for whoever knows a secret, in the form of Synapse's /_synapse/admin/v1/register, which
// conformance suites use (Synapse's documentation: "Shared-Secret Registration").
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/route.hpp"
#include "app/services.hpp"

namespace gims::testsite {

// Needs Policy::registration_secret. GET gives a nonce, good once, for a minute; POST takes it.
[[nodiscard]] api::Routes shared_secret_routes(app::Services& services, const Clock& clock);

// HMAC-SHA1, in hex, over nonce, user, password and "admin" or "notadmin", with NUL between them.
[[nodiscard]] std::string registration_mac(std::string_view secret, std::string_view nonce,
                                           std::string_view user, std::string_view password,
                                           bool admin);

}  // namespace gims::testsite
