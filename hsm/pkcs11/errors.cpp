#include "hsm/pkcs11/errors.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "hsm/core/vault.hpp"

namespace gims::hsm::pkcs11 {
namespace {

enum class Class : unsigned char { other, lost, pin };

// Those that a module may answer here, by their numbers. The text, if there is one, says what it
// means for the unit and what is to be done.
struct Known {
  CK_RV value;
  const char* name;
  Class what = Class::other;
  const char* text = nullptr;
};

constexpr const char* away = "The HSM cannot be reached.";
constexpr const char* no_token = "The token is not in its slot.";
constexpr const char* refuses =
    "The HSM refused what it was asked; the module and the token may not do what is needed.";

constexpr std::array known{
    Known{CKR_HOST_MEMORY, "CKR_HOST_MEMORY", Class::other, "There is too little memory."},
    Known{CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID", Class::lost, no_token},
    Known{CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", Class::lost, away},
    Known{CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED", Class::lost, away},
    Known{CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD", Class::other, refuses},
    Known{CKR_CANT_LOCK, "CKR_CANT_LOCK", Class::other,
          "The module cannot be used by threads: it is not made for a service."},
    Known{CKR_ATTRIBUTE_READ_ONLY, "CKR_ATTRIBUTE_READ_ONLY", Class::other, refuses},
    Known{CKR_ATTRIBUTE_SENSITIVE, "CKR_ATTRIBUTE_SENSITIVE", Class::other, refuses},
    Known{CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID", Class::other, refuses},
    Known{CKR_ATTRIBUTE_VALUE_INVALID, "CKR_ATTRIBUTE_VALUE_INVALID", Class::other, refuses},
    Known{CKR_ACTION_PROHIBITED, "CKR_ACTION_PROHIBITED", Class::other, refuses},
    Known{CKR_DATA_INVALID, "CKR_DATA_INVALID", Class::other, refuses},
    Known{CKR_DATA_LEN_RANGE, "CKR_DATA_LEN_RANGE", Class::other, refuses},
    Known{CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", Class::lost, away},
    Known{CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", Class::other,
          "The token has no room for the keys: remove what is not needed there."},
    Known{CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", Class::lost, no_token},
    Known{CKR_ENCRYPTED_DATA_INVALID, "CKR_ENCRYPTED_DATA_INVALID", Class::other, blob_damaged},
    Known{CKR_ENCRYPTED_DATA_LEN_RANGE, "CKR_ENCRYPTED_DATA_LEN_RANGE", Class::other, blob_damaged},
    Known{CKR_FUNCTION_CANCELED, "CKR_FUNCTION_CANCELED", Class::lost, away},
    Known{CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED", Class::other, refuses},
    Known{CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID", Class::lost, away},
    Known{CKR_KEY_SIZE_RANGE, "CKR_KEY_SIZE_RANGE", Class::other, refuses},
    Known{CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED", Class::other, refuses},
    Known{CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", Class::other, refuses},
    Known{CKR_MECHANISM_PARAM_INVALID, "CKR_MECHANISM_PARAM_INVALID", Class::other, refuses},
    Known{CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID", Class::lost, away},
    Known{CKR_OPERATION_ACTIVE, "CKR_OPERATION_ACTIVE", Class::lost, away},
    Known{CKR_OPERATION_NOT_INITIALIZED, "CKR_OPERATION_NOT_INITIALIZED", Class::lost, away},
    Known{CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", Class::pin},
    Known{CKR_PIN_INVALID, "CKR_PIN_INVALID", Class::pin},
    Known{CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE", Class::pin},
    Known{CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED", Class::pin},
    Known{CKR_PIN_LOCKED, "CKR_PIN_LOCKED", Class::pin},
    Known{CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED", Class::lost, away},
    Known{CKR_SESSION_COUNT, "CKR_SESSION_COUNT", Class::lost,
          "The token takes no more sessions: other programs hold all that it has."},
    Known{CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID", Class::lost, away},
    Known{CKR_SESSION_READ_ONLY, "CKR_SESSION_READ_ONLY", Class::other, refuses},
    Known{CKR_TEMPLATE_INCOMPLETE, "CKR_TEMPLATE_INCOMPLETE", Class::other, refuses},
    Known{CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT", Class::other, refuses},
    Known{CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", Class::lost, no_token},
    Known{CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED", Class::lost, no_token},
    Known{CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED", Class::other,
          "The token is write-protected: keys can be neither made nor destroyed in it."},
    Known{CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN", Class::lost, away},
    Known{CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED", Class::pin},
    Known{CKR_WRAPPED_KEY_INVALID, "CKR_WRAPPED_KEY_INVALID", Class::other, blob_damaged},
    Known{CKR_WRAPPED_KEY_LEN_RANGE, "CKR_WRAPPED_KEY_LEN_RANGE", Class::other, blob_damaged},
    Known{CKR_DOMAIN_PARAMS_INVALID, "CKR_DOMAIN_PARAMS_INVALID", Class::other, refuses},
    Known{CKR_CURVE_NOT_SUPPORTED, "CKR_CURVE_NOT_SUPPORTED", Class::other, refuses},
    Known{CKR_BUFFER_TOO_SMALL, "CKR_BUFFER_TOO_SMALL", Class::other, refuses},
    Known{CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED", Class::lost, away},
};

std::string_view code_of(ErrorKind kind) noexcept {
  const bool may_pass = kind == ErrorKind::unavailable || kind == ErrorKind::forbidden;
  return may_pass ? away_code : "GIMS_KEYD_CUSTODY";
}

const Known* find(CK_RV value) noexcept {
  const auto* found = std::ranges::find(known, value, &Known::value);
  return found == known.end() ? nullptr : found;
}

}  // namespace

std::string name_of(CK_RV value) {
  if (value == CKR_OK) return "CKR_OK";
  if (const Known* found = find(value)) return found->name;
  char text[32];
  std::snprintf(text, sizeof text, "CKR_0x%lx", value);
  return text;
}

bool is_lost(CK_RV value) noexcept {
  const Known* found = find(value);
  return found != nullptr && found->what == Class::lost;
}

bool is_about_the_pin(CK_RV value) noexcept {
  const Known* found = find(value);
  return found != nullptr && found->what == Class::pin;
}

Error error_of(CK_RV value, std::string_view function) {
  const Known* found = find(value);
  Error error;
  error.kind = ErrorKind::internal;
  if (is_lost(value)) error.kind = ErrorKind::unavailable;
  if (is_about_the_pin(value)) error.kind = ErrorKind::forbidden;
  error.code = code_of(error.kind);
  error.text = found != nullptr && found->text != nullptr ? found->text
               : is_about_the_pin(value)                  ? "The token refused the PIN."
                                                          : "The HSM failed.";
  const std::string name = name_of(value);
  error.text.insert(error.text.size() - 1, " (" + name + ")");
  error.detail = std::string(function) + ": " + name;
  return error;
}

std::unexpected<Error> refused(ErrorKind kind, std::string_view text, std::string_view detail) {
  return fail(kind, code_of(kind), text, detail);
}

}  // namespace gims::hsm::pkcs11
