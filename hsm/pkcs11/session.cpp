#include "hsm/pkcs11/session.hpp"

#include <algorithm>
#include <array>

#include "hsm/pkcs11/errors.hpp"

namespace gims::hsm::pkcs11 {

std::string Session::described() const {
  std::string text = "token";
  if (!name_.label.empty()) text += " \"" + name_.label + "\"";
  if (!name_.serial.empty()) text += " with the serial number " + name_.serial;
  return text;
}

Result<> Session::ready() {
  if (pin_refused_) return std::unexpected(*pin_refused_);
  if (handle_ != CK_INVALID_HANDLE && is_alive()) return {};
  close();
  const auto opened = [&]() -> Result<> {
    GIMS_TRY(module_.initialize());
    GIMS_TRY(find_token());
    GIMS_TRY(check(functions().C_OpenSession(slot_, CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr,
                                             nullptr, &handle_),
                   "C_OpenSession"));
    return log_in();
  }();
  // Nothing half open: the next time starts from nothing.
  if (!opened) close();
  return opened;
}

bool Session::is_alive() const {
  CK_SESSION_INFO info{};
  return functions().C_GetSessionInfo(handle_, &info) == CKR_OK &&
         info.state == CKS_RW_USER_FUNCTIONS && token_info(slot_).has_value();
}

void Session::close() noexcept {
  if (handle_ != CK_INVALID_HANDLE) {
    // A token that is gone answers neither; the module's end ends both.
    functions().C_Logout(handle_);
    functions().C_CloseSession(handle_);
    handle_ = CK_INVALID_HANDLE;
  }
  module_.finalize();
}

Result<CK_TOKEN_INFO> Session::token_info(CK_SLOT_ID slot) const {
  CK_TOKEN_INFO info{};
  GIMS_TRY(check(functions().C_GetTokenInfo(slot, &info), "C_GetTokenInfo"));
  return info;
}

Result<> Session::find_token() {
  GIMS_TRY_ASSIGN(const std::vector<CK_SLOT_ID> slots, module_.slots());
  std::string seen;
  int found = 0;
  for (const CK_SLOT_ID slot : slots) {
    const auto info = token_info(slot);
    if (!info || (info->flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    const std::string label = unpadded(info->label);
    seen += (seen.empty() ? "" : ", ") + label;
    if (!name_.label.empty() && label != name_.label) continue;
    if (!name_.serial.empty() && unpadded(info->serialNumber) != name_.serial) continue;
    slot_ = slot;
    ++found;
  }
  if (found == 1) return {};
  if (found == 0) {
    return refused(ErrorKind::unavailable,
                   "There is no " + described() + " in a slot of the HSM; there is " +
                       (seen.empty() ? "none at all." : "\"" + seen + "\"."));
  }
  return refused(ErrorKind::conflict,
                 "There is more than one " + described() +
                     ": name the right one by its serial number (token.serial).");
}

Result<> Session::log_in() {
  const auto refuse_for_good = [this](const std::string& text,
                                      const std::string& name) -> Result<> {
    pin_refused_ = refused(ErrorKind::forbidden, text, "C_Login: " + name).error();
    return std::unexpected(*pin_refused_);
  };
  GIMS_TRY_ASSIGN(const CK_TOKEN_INFO info, token_info());
  if ((info.flags & CKF_USER_PIN_LOCKED) != 0) {
    return refuse_for_good("The " + described() +
                               " is locked, as wrong PINs were tried: unlock it with the vendor's "
                               "tool, then restart gims-pkcs11d.",
                           "CKF_USER_PIN_LOCKED");
  }
  if ((info.flags & CKF_USER_PIN_FINAL_TRY) != 0) {
    return refuse_for_good("The " + described() +
                               " lets one more PIN be tried before it locks itself, so it is left "
                               "alone: log in once with the vendor's tool, then restart "
                               "gims-pkcs11d.",
                           "CKF_USER_PIN_FINAL_TRY");
  }
  const auto pin = pin_.bytes();
  const CK_RV value = functions().C_Login(handle_, CKU_USER,
                                          const_cast<unsigned char*>(pin.data()),  // NOLINT
                                          pin.size());
  if (value == CKR_USER_ALREADY_LOGGED_IN) return {};
  if (is_about_the_pin(value)) {
    const std::string name = name_of(value);
    return refuse_for_good("The " + described() + " refused the PIN (" + name +
                               "). It is not tried again, since a few wrong ones lock the token: "
                               "put the right one into pin_file, then restart gims-pkcs11d.",
                           name);
  }
  return check(value, "C_Login");
}

Result<bool> Session::can(CK_MECHANISM_TYPE mechanism, CK_FLAGS uses) const {
  CK_MECHANISM_INFO info{};
  const CK_RV value = functions().C_GetMechanismInfo(slot_, mechanism, &info);
  if (value == CKR_MECHANISM_INVALID) return false;
  GIMS_TRY(check(value, "C_GetMechanismInfo"));
  return (info.flags & uses) == uses;
}

Result<std::vector<CK_OBJECT_HANDLE>> Session::find(Template& like) const {
  GIMS_TRY(
      check(functions().C_FindObjectsInit(handle_, like.data(), like.size()), "C_FindObjectsInit"));
  std::vector<CK_OBJECT_HANDLE> found;
  std::array<CK_OBJECT_HANDLE, 32> some{};
  CK_RV value = CKR_OK;
  while (value == CKR_OK && found.size() < max_found) {
    CK_ULONG count = 0;
    value = functions().C_FindObjects(handle_, some.data(), some.size(), &count);
    if (value != CKR_OK || count == 0) break;
    const std::size_t taken = std::min<std::size_t>(count, some.size());
    found.insert(found.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  const CK_RV ended = functions().C_FindObjectsFinal(handle_);
  GIMS_TRY(check(value, "C_FindObjects"));
  GIMS_TRY(check(ended, "C_FindObjectsFinal"));
  return found;
}

Result<Bytes> Session::attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                                 std::size_t most) const {
  Bytes value(most);
  CK_ATTRIBUTE wanted{.type = type, .pValue = value.data(), .ulValueLen = value.size()};
  GIMS_TRY(
      check(functions().C_GetAttributeValue(handle_, object, &wanted, 1), "C_GetAttributeValue"));
  // CK_UNAVAILABLE_INFORMATION is larger than any size.
  if (wanted.ulValueLen > most) {
    return refused(ErrorKind::internal, "The HSM does not give an attribute that it must have.");
  }
  value.resize(wanted.ulValueLen);
  return value;
}

}  // namespace gims::hsm::pkcs11
