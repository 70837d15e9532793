// A person's yes to one operation: a signature over its challenge.
//
// WebAuthn Level 2 (w3.org/TR/webauthn-2), section 7.2, as far as it is a server's that knows the
// credential and asked for the user's verification; the client data by the limited verification of
// section 5.8.1.2, so that no JSON is parsed. FIDO2 authenticators without a browser are asked with
// client data of the same form. Attestations, extensions and backup state are not looked at: an
// assertion with extensions or attested credential data is refused.
//
// Pure. Thread: any.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "hsm/approval/administrator.hpp"

namespace gims::hsm::approval {

inline constexpr std::size_t max_signature = 72;  // the longest of P-256 in DER
inline constexpr std::size_t authenticator_data_size = 37;
inline constexpr std::size_t max_client_data = 2048;
// What a key of a file signs: this and the 32 bytes of the challenge.
inline constexpr std::string_view signed_by_key = "gims approval 1\n";

using Challenge = std::array<std::uint8_t, 32>;

struct Assertion {
  std::string who;  // Administrator::name
  // ES256: r and s in DER, in the one form that DER has; either of the two s. EdDSA: 64 bytes.
  Bytes signature;
  // Of WebAuthn alone; else empty.
  Bytes authenticator_data;
  Bytes client_data_json;

  bool operator==(const Assertion&) const = default;
};

void encode(Writer& writer, const Assertion& value);
// Fails (bad_input, GIMS_KEYD_FRAME) for whatever encode() would not write, or is longer than
// above.
[[nodiscard]] Result<Assertion> decode_assertion(BytesView body);

// SHA-256 over "gims approval challenge 1\n", the operation's number (16 bits) and body, nonce and
// site, each with its length (32 bits) in front; numbers are big-endian. `nonce` is used once;
// `site` is what no other site has, such as the hash of its root certificate.
[[nodiscard]] Challenge challenge_of(std::uint16_t operation, BytesView body, BytesView nonce,
                                     BytesView site);

// Whether the administrator's key says yes to the challenge. Gives the authenticator's counter, 0
// of a key of a file. Fails (forbidden) with GIMS_APPROVAL_ASSERTION and a text that says what is
// not as it should be, GIMS_APPROVAL_COUNTER for a counter that did not grow: somebody may have a
// copy of the authenticator. Assertion::who is not looked at.
[[nodiscard]] Result<std::uint32_t> verify(const Administrator& administrator,
                                           const Challenge& challenge, const Assertion& assertion);

}  // namespace gims::hsm::approval
