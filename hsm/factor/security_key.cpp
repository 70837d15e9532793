#include "hsm/factor/security_key.hpp"

#include <fido.h>

#include <algorithm>
#include <utility>

namespace gims::hsm::factor {
namespace {

constexpr std::uint8_t parameters_version = 1;
constexpr const char* relying_party = "gims.keyd";  // no site's: it goes nowhere
constexpr std::size_t most_plugged_in = 8;

std::unexpected<Error> refused(ErrorKind kind, std::string_view text,
                               std::string_view detail = {}) {
  return fail(kind, "GIMS_KEYD_REQUEST", text, detail);
}

std::unexpected<Error> no_hmac_secret() {
  return refused(ErrorKind::internal,
                 "This security key has no hmac-secret: it cannot be used here.");
}

Result<> check(int value) {
  switch (value) {
    case FIDO_OK:
      return {};
    case FIDO_ERR_NO_CREDENTIALS:
      return refused(ErrorKind::forbidden, "This security key is not the one that was enrolled.");
    case FIDO_ERR_PIN_INVALID:
    case FIDO_ERR_PIN_AUTH_INVALID:
      return refused(ErrorKind::forbidden,
                     "The security key refused the PIN. A few wrong ones lock it.");
    case FIDO_ERR_PIN_BLOCKED:
    case FIDO_ERR_PIN_AUTH_BLOCKED:
      return refused(ErrorKind::forbidden,
                     "The security key is locked, as wrong PINs were tried. Unplug it and plug it "
                     "in; if that does not help, it has to be reset and enrolled anew.");
    case FIDO_ERR_PIN_REQUIRED:
      return refused(ErrorKind::forbidden, "The security key wants its PIN.");
    case FIDO_ERR_TIMEOUT:
    case FIDO_ERR_ACTION_TIMEOUT:
    case FIDO_ERR_USER_ACTION_TIMEOUT:
    case FIDO_ERR_OPERATION_DENIED:
      return refused(ErrorKind::unavailable, "The security key was not touched in time.");
    case FIDO_ERR_UNSUPPORTED_EXTENSION:
      return no_hmac_secret();
    default:
      return refused(ErrorKind::unavailable, "The security key failed.", fido_strerr(value));
  }
}

void free_credential(fido_cred_t* credential) noexcept { fido_cred_free(&credential); }
void free_assertion(fido_assert_t* assertion) noexcept { fido_assert_free(&assertion); }
using Credential = Handle<fido_cred_t, free_credential>;
using Assertion = Handle<fido_assert_t, free_assertion>;

class DeviceList {
 public:
  DeviceList() : list_(fido_dev_info_new(most_plugged_in)) {}
  DeviceList(const DeviceList&) = delete;
  DeviceList& operator=(const DeviceList&) = delete;
  ~DeviceList() { fido_dev_info_free(&list_, most_plugged_in); }
  [[nodiscard]] fido_dev_info_t* get() const noexcept { return list_; }

 private:
  fido_dev_info_t* list_;
};

// As C wants it: with a zero at the end. Null without a PIN.
class PinText {
 public:
  static Result<PinText> of(const SecretBytes& pin) {
    PinText text;
    if (pin.empty()) return text;
    GIMS_TRY_ASSIGN(text.bytes_, SecretBytes::zeroed(pin.size() + 1));
    std::ranges::copy(pin.bytes(), text.bytes_.writable().begin());
    return text;
  }
  [[nodiscard]] const char* get() const noexcept {
    return bytes_.empty() ? nullptr : reinterpret_cast<const char*>(bytes_.bytes().data());
  }

 private:
  SecretBytes bytes_;
};

// Nobody looks at what is signed: it is the secret that counts.
Result<SecretBytes> client_data_hash() { return SecretBytes::random(32); }

}  // namespace

Bytes encode(const Fido2Parameters& parameters) {
  Bytes room(header_size + max_factor_parameters);
  Writer writer(room);
  writer.u8(parameters_version);
  writer.u8(parameters.with_pin ? 1 : 0);
  writer.raw(parameters.salt);
  writer.bytes(parameters.credential);
  return {writer.body().begin(), writer.body().end()};
}

Result<Fido2Parameters> decode_fido2(BytesView bytes) {
  Reader reader(bytes);
  Fido2Parameters parameters;
  if (reader.u8() != parameters_version) reader.refuse();
  const std::uint8_t with_pin = reader.u8();
  if (with_pin > 1) reader.refuse();
  parameters.with_pin = with_pin == 1;
  std::ranges::copy(reader.raw(parameters.salt.size()), parameters.salt.begin());
  const BytesView credential = reader.bytes(max_credential);
  if (credential.empty()) reader.refuse();
  parameters.credential.assign(credential.begin(), credential.end());
  if (!reader.finish()) {
    return refused(ErrorKind::bad_input, "What custody.bin says of the security key is damaged.");
  }
  return parameters;
}

void SecurityKey::close(fido_dev* device) noexcept {
  fido_dev_close(device);
  fido_dev_free(&device);
}

Result<SecurityKey> SecurityKey::plugged_in() {
  const DeviceList list;
  std::size_t found = 0;
  if (list.get() == nullptr) return refused(ErrorKind::internal, "There is too little memory.");
  GIMS_TRY(check(fido_dev_info_manifest(list.get(), most_plugged_in, &found)));
  if (found == 0) {
    return refused(ErrorKind::unavailable, "No FIDO2 security key is plugged in.");
  }
  if (found > 1) {
    return refused(ErrorKind::conflict, "Several security keys are plugged in: leave one.");
  }
  return open(fido_dev_info_path(fido_dev_info_ptr(list.get(), 0)));
}

Result<SecurityKey> SecurityKey::open(const std::string& path, const fido_dev_io* io,
                                      const fido_dev_transport* transport) {
  fido_init(FIDO_DISABLE_U2F_FALLBACK);
  Device device(fido_dev_new());
  if (!device) return refused(ErrorKind::internal, "There is too little memory.");
  if (io != nullptr) GIMS_TRY(check(fido_dev_set_io_functions(device.get(), io)));
  if (transport != nullptr) {
    GIMS_TRY(check(fido_dev_set_transport_functions(device.get(), transport)));
  }
  GIMS_TRY(check(fido_dev_open(device.get(), path.c_str())));
  if (!fido_dev_is_fido2(device.get())) {
    return refused(ErrorKind::internal, "This security key does not speak FIDO2.");
  }
  return SecurityKey(std::move(device));
}

bool SecurityKey::has_pin() const noexcept { return fido_dev_has_pin(device_.get()); }

Result<Fido2Parameters> SecurityKey::enrol(std::string_view person, const SecretBytes& pin) const {
  const std::string name(person);
  const Credential credential(fido_cred_new());
  if (!credential) return refused(ErrorKind::internal, "There is too little memory.");
  fido_cred_t* const c = credential.get();
  GIMS_TRY_ASSIGN(const SecretBytes hash, client_data_hash());
  GIMS_TRY_ASSIGN(const PinText text, PinText::of(pin));
  GIMS_TRY(check(fido_cred_set_type(c, COSE_ES256)));
  GIMS_TRY(check(fido_cred_set_rp(c, relying_party, "GIMS")));
  GIMS_TRY(check(fido_cred_set_user(c, reinterpret_cast<const unsigned char*>(name.data()),
                                    name.size(), name.c_str(), name.c_str(), nullptr)));
  GIMS_TRY(check(fido_cred_set_clientdata_hash(c, hash.bytes().data(), hash.size())));
  GIMS_TRY(check(fido_cred_set_extensions(c, FIDO_EXT_HMAC_SECRET)));
  GIMS_TRY(check(fido_cred_set_rk(c, FIDO_OPT_FALSE)));
  GIMS_TRY(check(fido_dev_make_cred(device_.get(), c, text.get())));

  const std::size_t size = fido_cred_id_len(c);
  if (size == 0 || size > max_credential) {
    return refused(ErrorKind::too_large, "The security key's credential is too large.");
  }
  Fido2Parameters parameters{.with_pin = !pin.empty(), .salt = {}, .credential = {}};
  parameters.credential.assign(fido_cred_id_ptr(c), fido_cred_id_ptr(c) + size);
  GIMS_TRY_ASSIGN(const SecretBytes salt, SecretBytes::random(parameters.salt.size()));
  std::ranges::copy(salt.bytes(), parameters.salt.begin());
  return parameters;
}

Result<SecretBytes> SecurityKey::key(const Fido2Parameters& parameters,
                                     const SecretBytes& pin) const {
  const Assertion assertion(fido_assert_new());
  if (!assertion) return refused(ErrorKind::internal, "There is too little memory.");
  fido_assert_t* const a = assertion.get();
  GIMS_TRY_ASSIGN(const SecretBytes hash, client_data_hash());
  GIMS_TRY_ASSIGN(const PinText text, PinText::of(pin));
  GIMS_TRY(check(fido_assert_set_rp(a, relying_party)));
  GIMS_TRY(check(fido_assert_set_clientdata_hash(a, hash.bytes().data(), hash.size())));
  GIMS_TRY(
      check(fido_assert_allow_cred(a, parameters.credential.data(), parameters.credential.size())));
  GIMS_TRY(check(fido_assert_set_extensions(a, FIDO_EXT_HMAC_SECRET)));
  GIMS_TRY(check(fido_assert_set_hmac_salt(a, parameters.salt.data(), parameters.salt.size())));
  GIMS_TRY(check(fido_assert_set_up(a, FIDO_OPT_TRUE)));
  GIMS_TRY(check(fido_dev_get_assert(device_.get(), a, text.get())));
  if (fido_assert_count(a) != 1 || fido_assert_hmac_secret_len(a, 0) != key_size) {
    return no_hmac_secret();
  }
  return SecretBytes::copy_of({fido_assert_hmac_secret_ptr(a, 0), key_size});
}

}  // namespace gims::hsm::factor
