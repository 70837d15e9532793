#include "api/console/decode.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "crypto/bytes.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::console {
namespace {

using service::invalid_param;
using service::console::Code;
using service::console::FactorKind;
using service::console::KeyYes;
using service::console::NewKey;

constexpr std::size_t code_digits = 6;
constexpr std::size_t longest_signature = 72;
constexpr std::size_t longest_handle = 88;
constexpr std::size_t longest_key = 128;

Result<Code> decode_code(json::Value factor) {
  GIMS_TRY(only(factor, {"totp"}));
  GIMS_TRY_ASSIGN(const std::string_view digits, text_of(factor, "totp", code_digits));
  if (digits.size() != code_digits ||
      !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) {
    return invalid_param("totp is the six digits that the application shows.");
  }
  return Code{.digits = Redacted(std::string(digits))};
}

// What an assertion and a registration have in common; gives the credential's id.
Result<hsm::Bytes> decode_credential(json::Value credential) {
  GIMS_TRY(only(credential, {"id", "rawId", "type", "response", "authenticatorAttachment",
                             "clientExtensionResults"}));
  constexpr std::size_t most = hsm::approval::max_credential_id;
  GIMS_TRY_ASSIGN(hsm::Bytes id, bytes_of(credential, "rawId", most));
  GIMS_TRY_ASSIGN(const hsm::Bytes same, bytes_of(credential, "id", most));
  GIMS_TRY_ASSIGN(const std::string_view type, json::required_string(credential, "type"));
  if (type != "public-key" || id != same || id.empty()) {
    return invalid_param("This is no credential of a security key.");
  }
  GIMS_TRY(json::optional_string(credential, "authenticatorAttachment"));
  GIMS_TRY_ASSIGN(const json::Value extensions,
                  json::optional_object(credential, "clientExtensionResults"));
  if (extensions.size() > 0) return invalid_param("No extension was asked for.");
  return id;
}

}  // namespace

Result<> only(json::Value object, std::initializer_list<std::string_view> members) {
  GIMS_TRY(json::require_object(object));
  for (const auto [key, value] : object.object()) {
    if (std::ranges::contains(members, key)) continue;
    return service::bad_json("There is no member \"" + std::string(key.substr(0, 64)) +
                             "\" in this request.");
  }
  return {};
}

Result<std::string_view> text_of(json::Value object, std::string_view name, std::size_t most) {
  GIMS_TRY_ASSIGN(const std::string_view text, json::required_string(object, name));
  if (text.empty() || text.size() > most) {
    return invalid_param(std::string(name) + " has 1 to " + std::to_string(most) + " bytes.");
  }
  return text;
}

Result<hsm::Bytes> bytes_of(json::Value object, std::string_view name, std::size_t most) {
  GIMS_TRY_ASSIGN(const std::string_view text, json::required_string(object, name));
  // Four letters for each three bytes; longer texts are not looked at.
  if (text.size() <= (most * 4 + 2) / 3) {
    if (auto bytes = crypto::from_base64(text, crypto::Alphabet::url_safe);
        bytes && !text.ends_with('=')) {
      return std::move(*bytes);
    }
  }
  return invalid_param(std::string(name) + " is base64url without padding, of at most " +
                       std::to_string(most) + " bytes.");
}

Result<KeyYes> decode_assertion(json::Value assertion) {
  GIMS_TRY_ASSIGN(const hsm::Bytes id, decode_credential(assertion));
  GIMS_TRY_ASSIGN(const json::Value response, json::required_object(assertion, "response"));
  GIMS_TRY(only(response, {"clientDataJSON", "authenticatorData", "signature", "userHandle"}));
  KeyYes yes;
  yes.credential_id = crypto::as_text(id);
  GIMS_TRY_ASSIGN(yes.assertion.client_data_json,
                  bytes_of(response, "clientDataJSON", hsm::approval::max_client_data));
  GIMS_TRY_ASSIGN(yes.assertion.authenticator_data,
                  bytes_of(response, "authenticatorData", hsm::approval::authenticator_data_size));
  GIMS_TRY_ASSIGN(yes.assertion.signature, bytes_of(response, "signature", longest_signature));
  GIMS_TRY_ASSIGN(const auto handle, json::optional_string(response, "userHandle"));
  if (handle && handle->size() > longest_handle) return invalid_param("userHandle is too long.");
  return yes;
}

Result<RegistrationRead> decode_registration(json::Value registration) {
  RegistrationRead read;
  GIMS_TRY_ASSIGN(read.id, decode_credential(registration));
  GIMS_TRY_ASSIGN(const json::Value response, json::required_object(registration, "response"));
  GIMS_TRY(only(response, {"clientDataJSON", "attestationObject", "publicKey", "publicKeyAlgorithm",
                           "authenticatorData", "transports"}));
  GIMS_TRY_ASSIGN(read.registration.client_data_json,
                  bytes_of(response, "clientDataJSON", hsm::approval::max_client_data));
  GIMS_TRY_ASSIGN(read.registration.attestation_object,
                  bytes_of(response, "attestationObject", hsm::approval::max_attestation_object));
  // The key is read from the attestation object, which the client did not make; what it says beside
  // it has only to be there in its form.
  GIMS_TRY(bytes_of(response, "publicKey", longest_key));
  GIMS_TRY(json::required_int(response, "publicKeyAlgorithm"));
  return read;
}

Result<service::console::Factor> decode_factor(json::Value factor) {
  if (factor.get("totp")) {
    GIMS_TRY_ASSIGN(Code code, decode_code(factor));
    return code;
  }
  GIMS_TRY(only(factor, {"webauthn"}));
  GIMS_TRY_ASSIGN(const json::Value assertion, json::required_object(factor, "webauthn"));
  GIMS_TRY_ASSIGN(KeyYes yes, decode_assertion(assertion));
  return yes;
}

Result<service::console::NewFactor> decode_new_factor(json::Value factor) {
  if (factor.get("totp")) {
    GIMS_TRY_ASSIGN(Code code, decode_code(factor));
    return code;
  }
  GIMS_TRY(only(factor, {"webauthn", "label"}));
  NewKey key;
  constexpr std::size_t most = service::console::longest_label * 4;  // of UTF-8
  GIMS_TRY_ASSIGN(key.label, text_of(factor, "label", most));
  GIMS_TRY_ASSIGN(const json::Value registration, json::required_object(factor, "webauthn"));
  GIMS_TRY_ASSIGN(auto read, decode_registration(registration));
  key.registration = std::move(read.registration);
  return key;
}

Result<FactorKind> decode_factor_kind(json::Value object) {
  GIMS_TRY_ASSIGN(const std::string_view kind, json::required_string(object, "factor"));
  for (const FactorKind one : {FactorKind::webauthn, FactorKind::totp}) {
    if (kind == service::console::name_of(one)) return one;
  }
  return invalid_param("factor is \"webauthn\" or \"totp\".");
}

}  // namespace gims::api::console
