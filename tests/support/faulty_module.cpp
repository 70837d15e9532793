// A PKCS#11 module of version 3.0 over SoftHSM's of 2.40, whose functions fail or hang when a test
// says so. The environment variable GIMS_MODULE_FAULT names a file with one line: the function, and
// the number that it is to answer, or "hang"; "once" after it ends it with the first call. Calls of
// the functions below are counted in a file beside it.
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>

namespace {

CK_FUNCTION_LIST* real() {
  static CK_FUNCTION_LIST* list = [] {
    void* library = ::dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) std::abort();
    const auto get = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(library, "C_GetFunctionList"));
    CK_FUNCTION_LIST* found = nullptr;
    if (get == nullptr || get(&found) != CKR_OK) std::abort();
    return found;
  }();
  return list;
}

// What the function is to answer in place of SoftHSM.
std::optional<CK_RV> fault(const char* function) {
  const char* path = std::getenv("GIMS_MODULE_FAULT");
  if (path == nullptr) return std::nullopt;
  std::ofstream(std::string(path) + ".log", std::ios::app) << function << '\n';
  std::ifstream file(path);
  std::string name;
  std::string what;
  std::string once;
  if (!(file >> name >> what) || name != function) return std::nullopt;
  if (file >> once) ::unlink(path);
  while (what == "hang") ::sleep(60);
  return std::strtoul(what.c_str(), nullptr, 10);
}

CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE* data, CK_ULONG size, CK_BYTE* signature,
           CK_ULONG* signature_size) {
  if (const auto value = fault("C_Sign")) return *value;
  return real()->C_Sign(session, data, size, signature, signature_size);
}

CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE* pin, CK_ULONG size) {
  if (const auto value = fault("C_Login")) return *value;
  return real()->C_Login(session, user, pin, size);
}

CK_RV initialize(void* arguments) {
  if (const auto value = fault("C_Initialize")) return *value;
  return real()->C_Initialize(arguments);
}

CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void* application, CK_NOTIFY notify,
                   CK_SESSION_HANDLE* session) {
  if (const auto value = fault("C_OpenSession")) return *value;
  return real()->C_OpenSession(slot, flags, application, notify, session);
}

CK_RV close_session(CK_SESSION_HANDLE session) {
  if (const auto value = fault("C_CloseSession")) return *value;
  return real()->C_CloseSession(session);
}

CK_RV wrap_key(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE with,
               CK_OBJECT_HANDLE key, CK_BYTE* wrapped, CK_ULONG* size) {
  if (const auto value = fault("C_WrapKey")) return *value;
  return real()->C_WrapKey(session, mechanism, with, key, wrapped, size);
}

CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
  // Says that it did, and did not.
  if (fault("C_DestroyObject")) return CKR_OK;
  return real()->C_DestroyObject(session, object);
}

CK_RV generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_ATTRIBUTE* open,
                        CK_ULONG open_size, CK_ATTRIBUTE* closed, CK_ULONG closed_size,
                        CK_OBJECT_HANDLE* public_key, CK_OBJECT_HANDLE* private_key) {
  if (const auto value = fault("C_GenerateKeyPair")) {
    if (*value != CKR_OK) return *value;
    // A token that makes something else of the template.
    static CK_BBOOL yes = CK_TRUE;
    for (CK_ULONG i = 0; i < closed_size; ++i) {
      if (closed[i].type == CKA_EXTRACTABLE) closed[i].pValue = &yes;
    }
  }
  return real()->C_GenerateKeyPair(session, mechanism, open, open_size, closed, closed_size,
                                   public_key, private_key);
}

// The number is added to the flags.
CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
  const CK_RV value = real()->C_GetTokenInfo(slot, info);
  if (const auto flags = fault("C_GetTokenInfo")) info->flags |= *flags;
  return value;
}

// Without GCM, as some tokens are.
CK_RV mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* info) {
  if (const auto value = fault("C_GetMechanismInfo"); value && type == CKM_AES_GCM) return *value;
  return real()->C_GetMechanismInfo(slot, type, info);
}

CK_FUNCTION_LIST_3_0* list() {
  static CK_FUNCTION_LIST_3_0 all = [] {
    CK_FUNCTION_LIST_3_0 made{};
    std::memcpy(&made, real(), sizeof(CK_FUNCTION_LIST));
    made.version = {3, 0};
    made.C_Sign = sign;
    made.C_Login = login;
    made.C_Initialize = initialize;
    made.C_OpenSession = open_session;
    made.C_CloseSession = close_session;
    made.C_WrapKey = wrap_key;
    made.C_DestroyObject = destroy_object;
    made.C_GenerateKeyPair = generate_key_pair;
    made.C_GetTokenInfo = token_info;
    made.C_GetMechanismInfo = mechanism_info;
    return made;
  }();
  return &all;
}

}  // namespace

extern "C" CK_RV C_GetInterface(unsigned char* name, CK_VERSION* version, CK_INTERFACE** found,
                                CK_FLAGS) {
  static char own_name[] = "PKCS 11";
  static CK_INTERFACE interface{own_name, list(), 0};
  if (std::strcmp(reinterpret_cast<const char*>(name), own_name) != 0) return CKR_ARGUMENTS_BAD;
  if (version == nullptr || version->major != 3 || version->minor != 0) return CKR_ARGUMENTS_BAD;
  *found = &interface;
  return CKR_OK;
}
