// The vendor's PKCS#11 module: a shared library that this process loads.
#pragma once

#include <p11-kit/pkcs11.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace gims::hsm::pkcs11 {

// A module of PKCS#11 v2.40 or v3.0, of which the functions of v2.40 are used.
//
// Never fork once it is initialised: the standard leaves open what a child may do with it.
// Thread: one at a time. Every function may block for as long as the module likes (worker.hpp).
class Module {
 public:
  // Loads the library, and runs what it has to run at that. Before the sandbox is entered, which
  // lets no more code into the process. Fails (unavailable, GIMS_KEYD_CUSTODY) when it cannot be
  // loaded, is no such module, or is of another version.
  [[nodiscard]] static Result<std::unique_ptr<Module>> load(const std::string& path);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  // Finalises. The library stays: modules exist that crash when they are unloaded.
  ~Module();

  // C_Initialize with the system's locks, unless it is already. CKR_… as for every function.
  [[nodiscard]] Result<> initialize();
  // C_Finalize: ends every session. Whatever it answers, the next use initialises anew, which makes
  // the module look anew for its tokens.
  void finalize() noexcept;
  [[nodiscard]] bool initialized() const noexcept { return initialized_; }

  [[nodiscard]] const CK_FUNCTION_LIST& functions() const noexcept { return *functions_; }
  // "2.40" or "3.0".
  [[nodiscard]] const std::string& version() const noexcept { return version_; }

  // The slots with a token in them; at most max_slots.
  [[nodiscard]] Result<std::vector<CK_SLOT_ID>> slots() const;
  static constexpr std::size_t max_slots = 256;

 private:
  Module(CK_FUNCTION_LIST* functions, std::string version)
      : functions_(functions), version_(std::move(version)) {}
  CK_FUNCTION_LIST* functions_;  // the library's
  const std::string version_;
  bool initialized_ = false;
};

// Success for CKR_OK, else error_of().
[[nodiscard]] Result<> check(CK_RV value, const char* function);

}  // namespace gims::hsm::pkcs11
