// A new credential of a FIDO2 authenticator, as a browser hands it over.
//
// WebAuthn Level 2 (w3.org/TR/webauthn-2), section 7.1, for a server that asked for ES256 or EdDSA,
// the user's verification and no attestation: the format is "none", or "packed" in which the
// credential signs itself (section 8.2, self attestation). What make an authenticator is is not
// asked, so that no list of manufacturers has to be kept on a unit without a network; two persons
// look at who brings the key.
//
// Pure. Thread: any.
#pragma once

#include "hsm/approval/client_data.hpp"

namespace gims::hsm::approval {

inline constexpr std::size_t max_attestation_object = 2048;

struct Registration {
  Bytes client_data_json;
  Bytes attestation_object;
};

// The credential for the site `rp_id`, in the parts that approval::verify() wants of it: kind, key,
// id, site, counter; name and roles are left to the caller. Fails (forbidden,
// GIMS_APPROVAL_ASSERTION) with a text that says what is not as it should be.
[[nodiscard]] Result<Administrator> registered(std::string_view rp_id, const Challenge& challenge,
                                               const Registration& registration);

}  // namespace gims::hsm::approval
