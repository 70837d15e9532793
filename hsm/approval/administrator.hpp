// Who may approve, and the public key that shows it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "hsm/proto/approval_messages.hpp"

namespace gims::hsm::approval {

inline constexpr std::size_t max_name = max_who;       // bytes
inline constexpr std::size_t max_credential_id = 255;  // bytes; of ours, the standard allows 1,023
inline constexpr std::size_t max_rp_id = 253;          // of a DNS name (RFC 1035, section 2.3.4)

enum class Role : std::uint8_t { administrator = 1, security_officer = 2, auditor = 4 };

// A set of them.
struct Roles {
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> roles) {
    for (const Role role : roles)
      bits = static_cast<std::uint8_t>(bits | static_cast<unsigned>(role));
  }
  [[nodiscard]] constexpr bool any_of(Roles others) const { return (bits & others.bits) != 0; }
  bool operator==(const Roles&) const = default;
  std::uint8_t bits = 0;
};

// What makes the signatures: a FIDO2 authenticator (WebAuthn) or a key in a file. ES256 is ECDSA
// over P-256 with SHA-256, its key a point of 65 bytes (0x04, X, Y); EdDSA is Ed25519, its key 32
// bytes.
enum class KeyKind : std::uint8_t {
  webauthn_es256 = 1,
  webauthn_eddsa = 2,
  key_es256 = 3,
  key_ed25519 = 4,
};
[[nodiscard]] constexpr bool is_webauthn(KeyKind kind) {
  return kind == KeyKind::webauthn_es256 || kind == KeyKind::webauthn_eddsa;
}
[[nodiscard]] constexpr bool is_es256(KeyKind kind) {
  return kind == KeyKind::webauthn_es256 || kind == KeyKind::key_es256;
}

struct Administrator {
  std::string name;  // 1 to max_name bytes of UTF-8 without control characters
  Roles roles;       // one at least
  KeyKind kind = KeyKind::key_ed25519;
  Bytes public_key;
  // Of WebAuthn alone; else empty and zero.
  Bytes credential_id;
  std::string rp_id;             // the domain that the credential is for: "gims.internal"
  std::uint32_t sign_count = 0;  // the authenticator's, as it was last seen

  bool operator==(const Administrator&) const = default;
};

// Whether it can be a person's name: 1 to max_name bytes of UTF-8 without control characters.
[[nodiscard]] bool is_name(std::string_view name);
// Fails (bad_input, GIMS_APPROVAL_ADMINISTRATOR) with a text that says which part is not as above;
// a key that is no point of its curve, or a weak one, is no key.
[[nodiscard]] Result<> check(const Administrator& administrator);

void encode(Writer& writer, const Administrator& value);
// Fails (bad_input, GIMS_KEYD_FRAME) for whatever encode() would not write of an administrator that
// check() takes.
[[nodiscard]] Result<Administrator> decode_administrator(BytesView body);
// The same within a larger body. What is not good makes the reader refuse.
[[nodiscard]] Administrator read_administrator(Reader& reader);

}  // namespace gims::hsm::approval
