// What a WebAuthn client wrote into a file: PublicKeyCredential.toJSON() of an assertion, or of a
// registration (WebAuthn Level 3, sections 5.1.3 to 5.1.9; clients of Level 2 write the same
// members with a few lines of script).
//
// This is no JSON parser: each member that is wanted must be there exactly once, as a string of
// base64url; the rest is not looked at. What is read is not trusted either: gims-keyd verifies an
// assertion, and two persons look at a key before they take it. Pure. Thread: any.
#pragma once

#include <string_view>

#include "hsm/approval/assertion.hpp"
#include "hsm/approval/key_file.hpp"

namespace gims::hsm::approval {

inline constexpr std::size_t max_webauthn_file = std::size_t{64} * 1024;

// "authenticatorData", "clientDataJSON" and "signature". Fails (bad_input, GIMS_APPROVAL_FILE).
[[nodiscard]] Result<Assertion> assertion_of_json(std::string_view json, std::string_view who);

struct Credential {
  Bytes id;
  PublicKey key;  // its kind is one of WebAuthn's

  bool operator==(const Credential&) const = default;
};
// "rawId" and "publicKey". Fails likewise.
[[nodiscard]] Result<Credential> credential_of_json(std::string_view json);

}  // namespace gims::hsm::approval
