// The parts of requests that several of the console's operations have. A member that is not listed
// is refused (docs/admin-api.yaml): what is misspelt would otherwise be done without.
#pragma once

#include <initializer_list>
#include <string_view>

#include "base/result.hpp"
#include "json/value.hpp"
#include "service/console/means.hpp"

namespace gims::api::console {

// M_BAD_JSON that names the member.
[[nodiscard]] Result<> only(json::Value object, std::initializer_list<std::string_view> members);
// Of 1 to `most` bytes. M_MISSING_PARAM, M_BAD_JSON, M_INVALID_PARAM.
[[nodiscard]] Result<std::string_view> text_of(json::Value object, std::string_view name,
                                               std::size_t most);
// Base64url without padding, of at most `most` bytes.
[[nodiscard]] Result<hsm::Bytes> bytes_of(json::Value object, std::string_view name,
                                          std::size_t most);

// {"webauthn": AssertionJson} or {"totp": "123456"}.
[[nodiscard]] Result<service::console::Factor> decode_factor(json::Value factor);
// {"webauthn": RegistrationJson, "label": ...} or {"totp": "123456"}.
[[nodiscard]] Result<service::console::NewFactor> decode_new_factor(json::Value factor);
// {"factor": "webauthn" or "totp"}
[[nodiscard]] Result<service::console::FactorKind> decode_factor_kind(json::Value object);
[[nodiscard]] Result<service::console::KeyYes> decode_assertion(json::Value assertion);
struct RegistrationRead {
  hsm::Bytes id;
  hsm::approval::Registration registration;
};
[[nodiscard]] Result<RegistrationRead> decode_registration(json::Value registration);

}  // namespace gims::api::console
