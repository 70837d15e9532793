// The token: which one, its one session, and the one login.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "hsm/pkcs11/module.hpp"
#include "hsm/pkcs11/template.hpp"

namespace gims::hsm::pkcs11 {

// Which token: by its label, its serial number, or both; at least one is given.
struct TokenName {
  std::string label;
  std::string serial;
};

// Opens the session when it is needed, and anew after it was lost; no handle of an object is kept
// from one use to the next, since it ends with the session.
//
// The PIN is tried once: when the token has refused it, every later use is refused without asking
// the token, until the process is started anew. When the token says that one try is left, that one
// is not made either.
// Thread: as Module.
class Session {
 public:
  // `module` outlives it.
  Session(Module& module, TokenName name, SecretBytes pin)
      : module_(module), name_(std::move(name)), pin_(std::move(pin)) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  // Logs out.
  ~Session() { close(); }

  // Logged in from here on, or says why not. What is open is looked at, and opened anew if need be.
  [[nodiscard]] Result<> ready();
  // Ends the session and the module's whole state, so that ready() starts from nothing.
  void close() noexcept;

  // The rest asks for ready() before. ------------------------------------------------------------

  [[nodiscard]] CK_SESSION_HANDLE handle() const noexcept { return handle_; }
  [[nodiscard]] const CK_FUNCTION_LIST& functions() const noexcept { return module_.functions(); }
  [[nodiscard]] CK_SLOT_ID slot() const noexcept { return slot_; }
  [[nodiscard]] Result<CK_TOKEN_INFO> token_info() const { return token_info(slot_); }
  [[nodiscard]] const Module& module() const noexcept { return module_; }

  // The mechanism is there, for all of these uses (CKF_ENCRYPT and so on).
  [[nodiscard]] Result<bool> can(CK_MECHANISM_TYPE mechanism, CK_FLAGS uses) const;

  // Every object like this; at most max_found.
  [[nodiscard]] Result<std::vector<CK_OBJECT_HANDLE>> find(Template& like) const;
  static constexpr std::size_t max_found = 256;
  // A value of an attribute of at most `most` bytes.
  [[nodiscard]] Result<Bytes> attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                                        std::size_t most) const;

 private:
  [[nodiscard]] bool is_alive() const;
  Result<> find_token();
  Result<> log_in();
  [[nodiscard]] Result<CK_TOKEN_INFO> token_info(CK_SLOT_ID slot) const;
  [[nodiscard]] std::string described() const;

  Module& module_;
  const TokenName name_;
  const SecretBytes pin_;
  CK_SLOT_ID slot_ = 0;
  CK_SESSION_HANDLE handle_ = CK_INVALID_HANDLE;
  std::optional<Error> pin_refused_;
};

// A field of PKCS#11 that is padded with spaces.
template <std::size_t N>
[[nodiscard]] std::string unpadded(const unsigned char (&field)[N]) {
  std::string text(reinterpret_cast<const char*>(field), N);
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace gims::hsm::pkcs11
