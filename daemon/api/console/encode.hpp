// The parts of answers that several of the console's operations have.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/call.hpp"
#include "json/writer.hpp"
#include "service/console/enrolment.hpp"
#include "service/console/sign_in.hpp"

namespace gims::api::console {

void write_roles(json::Writer& out, service::console::Roles roles);
void write_factors(json::Writer& out, std::span<const service::console::FactorKind> factors);

// PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3, section 5.1.10) for the keys.
void write_request_options(json::Writer& out, const hsm::approval::Challenge& challenge,
                           std::string_view site, std::span<const std::string> keys);
// {"webauthn": PublicKeyCredentialCreationOptionsJSON} or {"totp": {"secret", "uri"}}.
[[nodiscard]] std::string options_json(const service::console::FactorOptions& options,
                                       std::string_view site);
// {`name`: token, "expires_ts", "factors", "webauthn"}; `name`: "signin" or "fresh".
[[nodiscard]] std::string step_json(const service::console::SecondStep& step, std::string_view name,
                                    std::string_view site);

// A Session of the contract.
[[nodiscard]] std::string session_json(const service::console::SessionStanding& is,
                                       std::string_view csrf);

[[nodiscard]] service::console::Where where_of(const http::Request& request);

}  // namespace gims::api::console
