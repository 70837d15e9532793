#include "hsm/approval/webauthn_file.hpp"

#include <sodium.h>

#include <algorithm>
#include <string>
#include <utility>

namespace gims::hsm::approval {
namespace {

std::unexpected<Error> refused(const std::string& text) {
  return fail(ErrorKind::bad_input, "GIMS_APPROVAL_FILE", text);
}

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

// The value of the member, whose name must come once.
Result<Bytes> member(std::string_view json, std::string_view name, std::size_t most) {
  const std::string quoted = "\"" + std::string(name) + "\"";
  const std::size_t at = json.find(quoted);
  if (json.size() > max_webauthn_file || at == std::string_view::npos ||
      json.find(quoted, at + 1) != std::string_view::npos) {
    return refused("The file must have one " + quoted + ", as a WebAuthn client writes it.");
  }
  std::string_view rest = without_blanks(json.substr(at + quoted.size()));
  if (!rest.starts_with(':')) return refused(quoted + " must be a text.");
  rest = without_blanks(rest.substr(1));
  const std::size_t end = rest.find('"', 1);
  if (!rest.starts_with('"') || end == std::string_view::npos) {
    return refused(quoted + " must be a text.");
  }
  const std::string_view text = rest.substr(1, end - 1);
  Bytes value(std::min(text.size(), most) + 1);
  std::size_t size = 0;
  if (sodium_base642bin(value.data(), value.size(), text.data(), text.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
      size > most) {
    return refused(quoted + " must be base64url without padding, of at most " +
                   std::to_string(most) + " bytes.");
  }
  value.resize(size);
  return value;
}

constexpr std::size_t max_spki = 128;

}  // namespace

Result<Assertion> assertion_of_json(std::string_view json, std::string_view who) {
  Assertion assertion;
  assertion.who = who;
  GIMS_TRY_ASSIGN(assertion.signature, member(json, "signature", max_signature));
  GIMS_TRY_ASSIGN(assertion.authenticator_data,
                  member(json, "authenticatorData", authenticator_data_size));
  GIMS_TRY_ASSIGN(assertion.client_data_json, member(json, "clientDataJSON", max_client_data));
  return assertion;
}

Result<Credential> credential_of_json(std::string_view json) {
  Credential credential;
  GIMS_TRY_ASSIGN(credential.id, member(json, "rawId", max_credential_id));
  GIMS_TRY_ASSIGN(const Bytes spki, member(json, "publicKey", max_spki));
  GIMS_TRY_ASSIGN(credential.key, public_key_of_spki(spki));
  credential.key.kind =
      is_es256(credential.key.kind) ? KeyKind::webauthn_es256 : KeyKind::webauthn_eddsa;
  return credential;
}

}  // namespace gims::hsm::approval
