// Keys of administrators in files, as openssl writes them, and the yes that such a key says. Used
// by the commands that persons run; gims-keyd itself knows public keys alone.
//
// RFC 7468 (PEM), RFC 5958 (PKCS #8, also encrypted: PBES2 of RFC 8018 with AES-CBC), RFC 8410
// (Ed25519), RFC 5915 and RFC 5480 (P-256). Pure. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/secret.hpp"
#include "hsm/approval/assertion.hpp"
#include "hsm/ca/p256.hpp"

namespace gims::hsm::approval {

inline constexpr std::size_t max_key_file = std::size_t{4} * 1024;

// Whether the PEM is of a private key that a passphrase closes.
[[nodiscard]] bool wants_passphrase(BytesView pem) noexcept;

// A private key of P-256 or Ed25519.
class PrivateKey {
 public:
  // `passphrase`: empty for a key without one. Fails (bad_input, GIMS_APPROVAL_KEY) for anything
  // else than one private key of the two kinds, also for a wrong passphrase. What was read of it is
  // wiped; `pem` and `passphrase` are wiped by whoever holds them.
  [[nodiscard]] static Result<PrivateKey> from_pem(BytesView pem, BytesView passphrase);

  [[nodiscard]] KeyKind kind() const noexcept;
  // As Administrator::public_key.
  [[nodiscard]] Bytes public_key() const;
  // The assertion of `who`, whose key this is, for the challenge.
  [[nodiscard]] Result<Assertion> approve(std::string_view who, const Challenge& challenge) const;

 private:
  struct Ed25519 {
    SecretBytes secret;  // seed and public key, as libsodium signs with
  };
  explicit PrivateKey(P256Key key) : key_(std::move(key)) {}
  explicit PrivateKey(Ed25519 key) : key_(std::move(key)) {}
  static Result<PrivateKey> from_der(BytesView der);
  static Result<PrivateKey> from_seed(BytesView seed);
  std::variant<P256Key, Ed25519> key_;
};

struct PublicKey {
  KeyKind kind = KeyKind::key_ed25519;  // of a file
  Bytes bytes;                          // as Administrator::public_key

  bool operator==(const PublicKey&) const = default;
};
// SubjectPublicKeyInfo in DER, of P-256 or Ed25519. Fails (bad_input, GIMS_APPROVAL_KEY).
[[nodiscard]] Result<PublicKey> public_key_of_spki(BytesView der);
// "BEGIN PUBLIC KEY". Fails likewise.
[[nodiscard]] Result<PublicKey> public_key_of_pem(std::string_view pem);
// The same of an administrator whom check() took, whatever holds the key.
[[nodiscard]] std::string pem_of_key(const Administrator& administrator);

}  // namespace gims::hsm::approval
