#include "hsm/pkcs11/wrapping.hpp"

#include <algorithm>

#include "hsm/ca/sha256.hpp"
#include "hsm/pkcs11/errors.hpp"
#include "hsm/proto/messages.hpp"

namespace gims::hsm::pkcs11 {
namespace {

constexpr std::size_t tag_size = 16;

Digest hash_of(const BlobHead& head) {
  const Bytes bytes = encode(head);
  return sha256({bytes});
}

// The parameters of GCM, which point into what they are made of.
class Gcm {
 public:
  Gcm(const BlobHead& head, Bytes& nonce) : head_(encode(head)) {
    parameters_.pIv = nonce.data();
    parameters_.ulIvLen = nonce.size();
    parameters_.ulIvBits = 8 * nonce.size();
    parameters_.pAAD = head_.data();
    parameters_.ulAADLen = head_.size();
    parameters_.ulTagBits = 8 * tag_size;
  }
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;
  ~Gcm() = default;
  [[nodiscard]] CK_MECHANISM* mechanism() noexcept { return &mechanism_; }

 private:
  Bytes head_;
  CK_GCM_PARAMS parameters_{};
  CK_MECHANISM mechanism_{
      .mechanism = CKM_AES_GCM, .pParameter = &parameters_, .ulParameterLen = sizeof parameters_};
};

CK_MECHANISM key_wrap_pad() {
  return {.mechanism = CKM_AES_KEY_WRAP_PAD, .pParameter = nullptr, .ulParameterLen = 0};
}

std::unexpected<Error> no_root_key() { return refused(ErrorKind::internal, blob_damaged); }

Result<> encrypt(const Session& session, CK_OBJECT_HANDLE key, const SecretBytes& root_key,
                 Blob& blob) {
  GIMS_TRY_ASSIGN(const SecretBytes random, SecretBytes::random(nonce_size));
  blob.nonce.assign(random.bytes().begin(), random.bytes().end());
  // A token that insists on a nonce of its own writes it there.
  Gcm gcm(blob.head, blob.nonce);
  const CK_FUNCTION_LIST& f = session.functions();
  GIMS_TRY(check(f.C_EncryptInit(session.handle(), gcm.mechanism(), key), "C_EncryptInit"));
  GIMS_TRY_ASSIGN(SecretBytes input, root_key.clone());
  blob.wrapped.resize(max_wrapped_key);
  CK_ULONG size = blob.wrapped.size();
  GIMS_TRY(check(f.C_Encrypt(session.handle(), input.writable().data(), input.size(),
                             blob.wrapped.data(), &size),
                 "C_Encrypt"));
  blob.wrapped.resize(std::min<std::size_t>(size, max_wrapped_key));
  return {};
}

Result<SecretBytes> decrypt(const Session& session, CK_OBJECT_HANDLE key, const Blob& blob) {
  Bytes nonce = blob.nonce;
  Bytes wrapped = blob.wrapped;
  Gcm gcm(blob.head, nonce);
  const CK_FUNCTION_LIST& f = session.functions();
  GIMS_TRY(check(f.C_DecryptInit(session.handle(), gcm.mechanism(), key), "C_DecryptInit"));
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(max_wrapped_key));
  CK_ULONG size = room.size();
  const CK_RV value =
      f.C_Decrypt(session.handle(), wrapped.data(), wrapped.size(), room.writable().data(), &size);
  // Modules tell a wrong tag in several ways, some as a general error; a token that is gone shows
  // itself at the next use.
  if (value == CKR_GENERAL_ERROR || value == CKR_FUNCTION_FAILED) return no_root_key();
  GIMS_TRY(check(value, "C_Decrypt"));
  if (size != key_size) return no_root_key();
  return SecretBytes::copy_of(room.bytes().first(key_size));
}

// The root key as an object of the session, for as long as it takes to wrap it or read it.
class SessionKey {
 public:
  SessionKey(const Session& session, CK_OBJECT_HANDLE object)
      : session_(session), object_(object) {}
  SessionKey(const SessionKey&) = delete;
  SessionKey& operator=(const SessionKey&) = delete;
  ~SessionKey() { session_.functions().C_DestroyObject(session_.handle(), object_); }
  [[nodiscard]] CK_OBJECT_HANDLE object() const noexcept { return object_; }

 private:
  const Session& session_;
  CK_OBJECT_HANDLE object_;
};

void describe_session_key(Template& wanted) {
  wanted.number(CKA_CLASS, CKO_SECRET_KEY)
      .number(CKA_KEY_TYPE, CKK_GENERIC_SECRET)
      .flag(CKA_TOKEN, false)
      .flag(CKA_PRIVATE, true)
      .flag(CKA_SENSITIVE, false)
      .flag(CKA_EXTRACTABLE, true);
}

Result<> wrap_key(const Session& session, CK_OBJECT_HANDLE key, const SecretBytes& root_key,
                  Blob& blob) {
  GIMS_TRY_ASSIGN(SecretBytes value, SecretBytes::zeroed(key_size + sizeof(Digest)));
  std::ranges::copy(root_key.bytes(), value.writable().begin());
  std::ranges::copy(hash_of(blob.head), value.writable().subspan(key_size).begin());
  Template wanted;
  describe_session_key(wanted);
  wanted.bytes(CKA_VALUE, value.bytes());
  const CK_FUNCTION_LIST& f = session.functions();
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
  GIMS_TRY(check(f.C_CreateObject(session.handle(), wanted.data(), wanted.size(), &object),
                 "C_CreateObject"));
  const SessionKey plain(session, object);
  CK_MECHANISM mechanism = key_wrap_pad();
  blob.nonce.clear();
  blob.wrapped.resize(max_wrapped_key);
  CK_ULONG size = blob.wrapped.size();
  GIMS_TRY(check(
      f.C_WrapKey(session.handle(), &mechanism, key, plain.object(), blob.wrapped.data(), &size),
      "C_WrapKey"));
  blob.wrapped.resize(std::min<std::size_t>(size, max_wrapped_key));
  return {};
}

Result<SecretBytes> unwrap_key(const Session& session, CK_OBJECT_HANDLE key, const Blob& blob) {
  Template wanted;
  describe_session_key(wanted);
  const CK_FUNCTION_LIST& f = session.functions();
  CK_MECHANISM mechanism = key_wrap_pad();
  Bytes wrapped = blob.wrapped;
  CK_OBJECT_HANDLE object = CK_INVALID_HANDLE;
  const CK_RV value = f.C_UnwrapKey(session.handle(), &mechanism, key, wrapped.data(),
                                    wrapped.size(), wanted.data(), wanted.size(), &object);
  if (value == CKR_GENERAL_ERROR || value == CKR_FUNCTION_FAILED) return no_root_key();
  GIMS_TRY(check(value, "C_UnwrapKey"));
  const SessionKey plain(session, object);
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(max_wrapped_key));
  CK_ATTRIBUTE read{.type = CKA_VALUE, .pValue = room.writable().data(), .ulValueLen = room.size()};
  GIMS_TRY(check(f.C_GetAttributeValue(session.handle(), plain.object(), &read, 1),
                 "C_GetAttributeValue"));
  const auto head = room.bytes().subspan(key_size, sizeof(Digest));
  if (read.ulValueLen != key_size + sizeof(Digest) ||
      !std::ranges::equal(head, hash_of(blob.head))) {
    return no_root_key();
  }
  return SecretBytes::copy_of(room.bytes().first(key_size));
}

}  // namespace

Result<Wrapping> choose_wrapping(const Session& session) {
  GIMS_TRY_ASSIGN(const bool gcm, session.can(CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT));
  if (gcm) return Wrapping::gcm;
  GIMS_TRY_ASSIGN(const bool key_wrap, session.can(CKM_AES_KEY_WRAP_PAD, CKF_WRAP | CKF_UNWRAP));
  if (key_wrap) return Wrapping::key_wrap_pad;
  return refused(ErrorKind::internal,
                 "The token has neither CKM_AES_GCM nor CKM_AES_KEY_WRAP_PAD: it cannot keep a "
                 "root key.");
}

Result<> wrap(const Session& session, CK_OBJECT_HANDLE wrapping_key, const SecretBytes& root_key,
              Blob& blob) {
  return blob.head.wrapping == Wrapping::gcm ? encrypt(session, wrapping_key, root_key, blob)
                                             : wrap_key(session, wrapping_key, root_key, blob);
}

Result<SecretBytes> unwrap(const Session& session, CK_OBJECT_HANDLE wrapping_key,
                           const Blob& blob) {
  return blob.head.wrapping == Wrapping::gcm ? decrypt(session, wrapping_key, blob)
                                             : unwrap_key(session, wrapping_key, blob);
}

}  // namespace gims::hsm::pkcs11
