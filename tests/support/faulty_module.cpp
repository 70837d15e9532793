// A PKCS#11 module of version 3.0 over SoftHSM's of 2.40, whose functions fail or hang when a test
// says so. The environment variable GIMS_MODULE_FAULT names a file with one line:
//
//   C_Sign 48     the function answers this number; with "once" behind it, at the first call alone
//
//   C_Sign hang   it does not return; "crash": the process ends in it
//
//   gone 7        the token is pulled out at the seventh call of any function from now on
//
//   die 2         the process is killed at the second call that would change the token
//
// More words behind it make one line differ from the one before it. The calls of some functions are
// counted in a file beside it, "gone" and "die" too when they come true.
//
// GIMS_MODULE_FORM makes it another module: of the version "2.20", say, or "incomplete".
#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

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

template <std::size_t N>
bool is_one_of(std::string_view function, const std::array<std::string_view, N>& names) {
  return std::ranges::find(names, function) != names.end();
}
constexpr std::array<std::string_view, 5> counted{"C_Initialize", "C_OpenSession", "C_CloseSession",
                                                  "C_Login", "C_Sign"};
constexpr std::array<std::string_view, 4> changing{"C_GenerateKey", "C_GenerateKeyPair",
                                                   "C_CreateObject", "C_DestroyObject"};
// The module's own: it is there when its token is not.
constexpr std::array<std::string_view, 3> of_the_module{"C_Initialize", "C_Finalize",
                                                        "C_GetSlotList"};

// What the test says, and how many calls there were since it said so.
class Script {
 public:
  // What the function is to answer in place of SoftHSM.
  std::optional<CK_RV> answer_to(std::string_view function) {
    const char* path = std::getenv("GIMS_MODULE_FAULT");
    if (path == nullptr) return std::nullopt;
    path_ = path;
    if (is_one_of(function, counted)) note(function);
    read();
    if (!is_one_of(function, of_the_module)) ++calls_;
    if (is_one_of(function, changing)) ++changes_;
    if (word_ == "die" && changes_ == number()) {
      note("die");
      std::raise(SIGKILL);
    }
    if (word_ == "gone" && calls_ == number() && !is_pulled_) {
      note("gone");
      is_pulled_ = is_stale_ = true;
    }
    if (is_one_of(function, of_the_module)) return of_the_module_itself(function);
    if (is_pulled_) return CKR_DEVICE_REMOVED;
    // Plugged in again: no session of before is one still.
    if (is_stale_) return CKR_SESSION_HANDLE_INVALID;
    return named(function);
  }
  [[nodiscard]] bool is_pulled() const { return is_pulled_; }

 private:
  void note(std::string_view word) const {
    std::ofstream(path_ + ".log", std::ios::app) << word << '\n';
  }
  [[nodiscard]] unsigned long number() const { return std::strtoul(what_.c_str(), nullptr, 10); }

  void read() {
    std::ifstream file(path_);
    std::string line;
    std::getline(file, line);
    if (line == line_) return;
    line_ = line;
    calls_ = changes_ = 0;
    is_pulled_ = false;
    word_.clear();
    what_.clear();
    once_.clear();
    std::istringstream(line) >> word_ >> what_ >> once_;
  }

  std::optional<CK_RV> of_the_module_itself(std::string_view function) {
    if (function == "C_Finalize") is_stale_ = false;
    return named(function);
  }

  std::optional<CK_RV> named(std::string_view function) {
    if (word_ != function) return std::nullopt;
    if (once_ == "once") ::unlink(path_.c_str());
    if (what_ == "crash") std::raise(SIGABRT);
    while (what_ == "hang") ::sleep(60);
    return number();
  }

  std::string path_;
  std::string line_;
  std::string word_;
  std::string what_;
  std::string once_;
  unsigned long calls_ = 0;
  unsigned long changes_ = 0;
  bool is_pulled_ = false;
  bool is_stale_ = false;
};

Script& script() {
  static Script one;
  return one;
}

template <std::size_t N>
struct Name {
  char text[N]{};
  constexpr Name(const char (&from)[N]) {  // NOLINT(google-explicit-constructor)
    std::copy_n(from, N, text);
  }
};

// A function that asks the script first.
template <class Function>
struct Scripted;
template <class... Arguments>
struct Scripted<CK_RV (*)(Arguments...)> {
  template <auto Member, Name name>
  static CK_RV call(Arguments... arguments) {
    if (const auto value = script().answer_to(name.text)) return *value;
    return (real()->*Member)(arguments...);
  }
};

// The slots are there, and no token in any.
CK_RV slot_list(CK_BBOOL with_token, CK_SLOT_ID* slots, CK_ULONG* count) {
  if (const auto value = script().answer_to("C_GetSlotList")) return *value;
  if (with_token == CK_TRUE && script().is_pulled()) {
    *count = 0;
    return CKR_OK;
  }
  return real()->C_GetSlotList(with_token, slots, count);
}

CK_RV destroy_object(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object) {
  // With 0 it says that it did, and did not.
  if (const auto value = script().answer_to("C_DestroyObject")) return *value;
  return real()->C_DestroyObject(session, object);
}

CK_RV generate_key_pair(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_ATTRIBUTE* open,
                        CK_ULONG open_size, CK_ATTRIBUTE* closed, CK_ULONG closed_size,
                        CK_OBJECT_HANDLE* public_key, CK_OBJECT_HANDLE* private_key) {
  if (const auto value = script().answer_to("C_GenerateKeyPair")) {
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

// It ends the operation that C_SignInit began also when it fails (PKCS#11 v3.0, section 5.13.2).
CK_RV sign(CK_SESSION_HANDLE session, unsigned char* data, CK_ULONG size, unsigned char* signature,
           CK_ULONG* signature_size) {
  const auto value = script().answer_to("C_Sign");
  if (!value) return real()->C_Sign(session, data, size, signature, signature_size);
  std::array<unsigned char, 64> unseen{};
  CK_ULONG room = unseen.size();
  real()->C_Sign(session, data, size, unseen.data(), &room);
  return *value;
}

// The number is added to the flags.
CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
  const auto flags = script().answer_to("C_GetTokenInfo");
  if (flags && (*flags == CKR_DEVICE_REMOVED || *flags == CKR_SESSION_HANDLE_INVALID)) {
    return *flags;
  }
  const CK_RV value = real()->C_GetTokenInfo(slot, info);
  if (flags) info->flags |= *flags;
  return value;
}

// Without one mechanism, as some tokens are: "C_GetMechanismInfo 4231" is one that does not have
// that number.
CK_RV mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* info) {
  if (const auto value = script().answer_to("C_GetMechanismInfo")) {
    if (*value == CKR_DEVICE_REMOVED || *value == CKR_SESSION_HANDLE_INVALID) return *value;
    if (*value == type) return CKR_MECHANISM_INVALID;
  }
  return real()->C_GetMechanismInfo(slot, type, info);
}

#define GIMS_SCRIPTED(function) \
  made.function = Scripted<decltype(made.function)>::call<&CK_FUNCTION_LIST::function, #function>

CK_FUNCTION_LIST_3_0* list() {
  static CK_FUNCTION_LIST_3_0 all = [] {
    CK_FUNCTION_LIST_3_0 made{};
    std::memcpy(&made, real(), sizeof(CK_FUNCTION_LIST));
    made.version = {3, 0};
    GIMS_SCRIPTED(C_Initialize);
    GIMS_SCRIPTED(C_Finalize);
    made.C_GetSlotList = slot_list;
    GIMS_SCRIPTED(C_GetSlotInfo);
    made.C_GetTokenInfo = token_info;
    made.C_GetMechanismInfo = mechanism_info;
    GIMS_SCRIPTED(C_OpenSession);
    GIMS_SCRIPTED(C_CloseSession);
    GIMS_SCRIPTED(C_GetSessionInfo);
    GIMS_SCRIPTED(C_Login);
    GIMS_SCRIPTED(C_Logout);
    GIMS_SCRIPTED(C_CreateObject);
    made.C_DestroyObject = destroy_object;
    GIMS_SCRIPTED(C_GetAttributeValue);
    GIMS_SCRIPTED(C_FindObjectsInit);
    GIMS_SCRIPTED(C_FindObjects);
    GIMS_SCRIPTED(C_FindObjectsFinal);
    GIMS_SCRIPTED(C_EncryptInit);
    GIMS_SCRIPTED(C_Encrypt);
    GIMS_SCRIPTED(C_DecryptInit);
    GIMS_SCRIPTED(C_Decrypt);
    GIMS_SCRIPTED(C_SignInit);
    made.C_Sign = sign;
    GIMS_SCRIPTED(C_GenerateKey);
    made.C_GenerateKeyPair = generate_key_pair;
    GIMS_SCRIPTED(C_WrapKey);
    GIMS_SCRIPTED(C_UnwrapKey);
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
  CK_FUNCTION_LIST_3_0& functions = *list();
  functions.version = {3, 0};
  functions.C_Sign = sign;
  if (const char* form = std::getenv("GIMS_MODULE_FORM")) {
    unsigned major = 3;
    unsigned minor = 0;
    if (std::sscanf(form, "%u.%u", &major, &minor) == 2) {
      functions.version = {static_cast<unsigned char>(major), static_cast<unsigned char>(minor)};
    } else {
      functions.C_Sign = nullptr;
    }
  }
  *found = &interface;
  return CKR_OK;
}
