#include "hsm/pkcs11/module.hpp"

#include <dlfcn.h>

#include <array>

#include "hsm/pkcs11/errors.hpp"

namespace gims::hsm::pkcs11 {
namespace {

std::unexpected<Error> no_module(const std::string& path, const std::string& why) {
  return refused(ErrorKind::unavailable,
                 "The PKCS#11 module " + path + " cannot be used: " + why + ".");
}

// v3.0: an interface by its name and version. The list of functions starts as the one of v2.40
// does (PKCS#11 v3.0, section 5.4).
CK_FUNCTION_LIST* interface_of(void* library) {
  const auto get = reinterpret_cast<CK_C_GetInterface>(::dlsym(library, "C_GetInterface"));
  if (get == nullptr) return nullptr;
  std::array<unsigned char, 8> name{'P', 'K', 'C', 'S', ' ', '1', '1', 0};
  CK_VERSION version{.major = 3, .minor = 0};
  CK_INTERFACE* found = nullptr;
  if (get(name.data(), &version, &found, 0) != CKR_OK || found == nullptr) return nullptr;
  return static_cast<CK_FUNCTION_LIST*>(found->pFunctionList);
}

CK_FUNCTION_LIST* function_list_of(void* library) {
  const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
  CK_FUNCTION_LIST* found = nullptr;
  if (get == nullptr || get(&found) != CKR_OK) return nullptr;
  return found;
}

bool is_complete(const CK_FUNCTION_LIST& f) {
  return f.C_Initialize != nullptr && f.C_Finalize != nullptr && f.C_GetSlotList != nullptr &&
         f.C_GetTokenInfo != nullptr && f.C_GetSlotInfo != nullptr &&
         f.C_GetMechanismList != nullptr && f.C_GetMechanismInfo != nullptr &&
         f.C_OpenSession != nullptr && f.C_CloseSession != nullptr &&
         f.C_GetSessionInfo != nullptr && f.C_Login != nullptr && f.C_Logout != nullptr &&
         f.C_CreateObject != nullptr && f.C_DestroyObject != nullptr &&
         f.C_GetAttributeValue != nullptr && f.C_FindObjectsInit != nullptr &&
         f.C_FindObjects != nullptr && f.C_FindObjectsFinal != nullptr &&
         f.C_EncryptInit != nullptr && f.C_Encrypt != nullptr && f.C_DecryptInit != nullptr &&
         f.C_Decrypt != nullptr && f.C_SignInit != nullptr && f.C_Sign != nullptr &&
         f.C_GenerateKey != nullptr && f.C_GenerateKeyPair != nullptr && f.C_WrapKey != nullptr &&
         f.C_UnwrapKey != nullptr;
}

}  // namespace

Result<> check(CK_RV value, const char* function) {
  if (value == CKR_OK) return {};
  return std::unexpected(error_of(value, function));
}

Result<std::unique_ptr<Module>> Module::load(const std::string& path) {
  // Every symbol now: none is looked up when the sandbox is closed. Its own symbols stay its own.
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    return no_module(path, why == nullptr ? "it cannot be loaded" : why);
  }
  CK_FUNCTION_LIST* functions = interface_of(library);
  if (functions == nullptr) functions = function_list_of(library);
  if (functions == nullptr) return no_module(path, "it is no PKCS#11 module");
  const int major = functions->version.major;
  const int minor = functions->version.minor;
  const std::string version = std::to_string(major) + "." + std::to_string(minor);
  if (major < 2 || (major == 2 && minor < 40) || major > 3) {
    return no_module(path, "it is of version " + version + "; 2.40 and 3.0 are known");
  }
  if (!is_complete(*functions)) return no_module(path, "functions of PKCS#11 are missing");
  return std::unique_ptr<Module>(new Module(functions, version));
}

Module::~Module() { finalize(); }

Result<> Module::initialize() {
  if (initialized_) return {};
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  const CK_RV value = functions_->C_Initialize(&arguments);
  if (value != CKR_CRYPTOKI_ALREADY_INITIALIZED) GIMS_TRY(check(value, "C_Initialize"));
  initialized_ = true;
  return {};
}

void Module::finalize() noexcept {
  if (initialized_) functions_->C_Finalize(nullptr);
  initialized_ = false;
}

Result<std::vector<CK_SLOT_ID>> Module::slots() const {
  std::vector<CK_SLOT_ID> slots(max_slots);
  CK_ULONG count = slots.size();
  GIMS_TRY(check(functions_->C_GetSlotList(CK_TRUE, slots.data(), &count), "C_GetSlotList"));
  slots.resize(std::min<std::size_t>(count, max_slots));
  return slots;
}

}  // namespace gims::hsm::pkcs11
