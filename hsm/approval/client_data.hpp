// The client data that an authenticator's signature covers.
#pragma once

#include <string>
#include <string_view>

#include "hsm/approval/assertion.hpp"

namespace gims::hsm::approval {

// As client data hold it, and clients want it.
[[nodiscard]] std::string base64url(const Challenge& challenge);

// What the client was asked to do: a yes ("webauthn.get") or a new credential ("webauthn.create").
enum class ClientAct : std::uint8_t { assertion, registration };

// The limited verification of WebAuthn Level 2, section 5.8.1.2: the text must begin as every
// client writes it (section 5.8.1.1), so it is compared and not parsed. The type is that of the
// act, the origin https://<rp_id>, with or without a port, not within a page of another origin.
// Other members may follow these. Fails (forbidden, GIMS_APPROVAL_ASSERTION).
[[nodiscard]] Result<> check_client_data(std::string_view json, const Challenge& challenge,
                                         std::string_view rp_id,
                                         ClientAct act = ClientAct::assertion);

}  // namespace gims::hsm::approval
