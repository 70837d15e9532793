#include "hsm/approval/key_file.hpp"

#include <mbedtls/asn1.h>
#include <mbedtls/pkcs5.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "hsm/approval/signature.hpp"
#include "hsm/ca/der.hpp"
#include "hsm/ca/key_text.hpp"
#include "hsm/ca/x509.hpp"

namespace gims::hsm::approval {
namespace {

constexpr std::string_view closed_label = "ENCRYPTED PRIVATE KEY";

// What precedes the 32 bytes in a key of Ed25519: of the private one (RFC 8410, section 7, without
// attributes) and of the public one (section 4).
constexpr std::array<std::uint8_t, 16> seed_start{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                                  0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
constexpr std::array<std::uint8_t, 12> ed25519_start{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                     0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
// id-PBES2 (RFC 8018, appendix A.4).
constexpr std::array<std::uint8_t, 9> pbes2{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d};

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_APPROVAL_KEY", text);
}

BytesView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

template <std::size_t N>
bool starts_with(BytesView bytes, const std::array<std::uint8_t, N>& start) {
  return bytes.size() > N && std::ranges::equal(bytes.first(N), start);
}

// Of an EncryptedPrivateKeyInfo (RFC 5958, section 3).
struct Closed {
  Bytes parameters;  // of PBES2
  Bytes data;
};
std::optional<Closed> closed_of(BytesView der) {
  const auto all = der::take(der);
  if (!all || all->tag != der::tag_sequence || !der.empty()) return std::nullopt;
  BytesView rest = all->content;
  const auto algorithm = der::take(rest);
  const auto data = der::take(rest);
  if (!algorithm || !data || !rest.empty() || algorithm->tag != der::tag_sequence ||
      data->tag != der::tag_octet_string) {
    return std::nullopt;
  }
  BytesView inner = algorithm->content;
  const auto name = der::take(inner);
  const auto parameters = der::take(inner);
  if (!name || !parameters || name->tag != der::tag_oid ||
      !std::ranges::equal(name->content, pbes2) || parameters->tag != der::tag_sequence) {
    return std::nullopt;
  }
  return Closed{.parameters = {parameters->content.begin(), parameters->content.end()},
                .data = {data->content.begin(), data->content.end()}};
}

Result<SecretBytes> opened(BytesView der, BytesView passphrase) {
  auto closed = closed_of(der);
  if (!closed) return refused("The key's file is not of a form that is known: PBES2 with AES.");
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(closed->data.size()));
  mbedtls_asn1_buf parameters{};
  parameters.tag = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
  parameters.len = closed->parameters.size();
  parameters.p = closed->parameters.data();
  std::size_t size = 0;
  if (mbedtls_pkcs5_pbes2_ext(&parameters, MBEDTLS_PKCS5_DECRYPT, passphrase.data(),
                              passphrase.size(), closed->data.data(), closed->data.size(),
                              room.writable().data(), room.size(), &size) != 0) {
    return refused("The passphrase is not that of the key's file.");
  }
  return SecretBytes::copy_of(room.bytes().first(size));
}

}  // namespace

bool wants_passphrase(BytesView pem) noexcept {
  const std::string_view text(reinterpret_cast<const char*>(pem.data()), pem.size());
  return text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----");
}

Result<PrivateKey> PrivateKey::from_pem(BytesView pem, BytesView passphrase) {
  if (const auto closed = pem_block(pem, closed_label, max_key_file); closed) {
    if (passphrase.empty()) return refused("The key's file has a passphrase, and none was given.");
    GIMS_TRY_ASSIGN(const SecretBytes der, opened(closed->bytes(), passphrase));
    return from_der(der.bytes());
  }
  if (const auto der = pem_private_key(pem, max_key_file); der) return from_der(der->bytes());
  return refused("The key's file must hold one private key, PEM.");
}

Result<PrivateKey> PrivateKey::from_der(BytesView der) {
  if (der.size() == seed_start.size() + crypto_sign_SEEDBYTES && starts_with(der, seed_start)) {
    return from_seed(der.subspan(seed_start.size()));
  }
  auto key = p256_from_der(der);
  if (!key) return refused("An administrator's key is one of Ed25519 or P-256.");
  // Without the public half nothing says whether a closed file was changed.
  if (std::ranges::search(der, key->public_key).empty()) {
    return refused("The key's file must have the public half of the key, too.");
  }
  return PrivateKey(std::move(*key));
}

Result<PrivateKey> PrivateKey::from_seed(BytesView seed) {
  Ed25519 key;
  GIMS_TRY_ASSIGN(key.secret, SecretBytes::zeroed(crypto_sign_SECRETKEYBYTES));
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_half{};
  crypto_sign_seed_keypair(public_half.data(), key.secret.writable().data(), seed.data());
  return PrivateKey(std::move(key));
}

KeyKind PrivateKey::kind() const noexcept {
  return std::holds_alternative<P256Key>(key_) ? KeyKind::key_es256 : KeyKind::key_ed25519;
}

Bytes PrivateKey::public_key() const {
  if (const auto* p256 = std::get_if<P256Key>(&key_)) {
    return {p256->public_key.begin(), p256->public_key.end()};
  }
  const BytesView secret = std::get<Ed25519>(key_).secret.bytes();
  const BytesView half = secret.last(crypto_sign_PUBLICKEYBYTES);
  return {half.begin(), half.end()};
}

Result<Assertion> PrivateKey::approve(std::string_view who, const Challenge& challenge) const {
  Assertion assertion;
  assertion.who = who;
  const BytesView label = bytes_of(signed_by_key);
  if (const auto* p256 = std::get_if<P256Key>(&key_)) {
    GIMS_TRY_ASSIGN(const P256Signature numbers, p256_sign(*p256, sha256({label, challenge})));
    assertion.signature = der_of(numbers);
    return assertion;
  }
  Bytes message(label.begin(), label.end());
  der::append(message, challenge);
  assertion.signature.resize(crypto_sign_BYTES);
  crypto_sign_detached(assertion.signature.data(), nullptr, message.data(), message.size(),
                       std::get<Ed25519>(key_).secret.bytes().data());
  return assertion;
}

Result<PublicKey> public_key_of_spki(BytesView der) {
  if (der.size() == ed25519_start.size() + crypto_sign_PUBLICKEYBYTES &&
      starts_with(der, ed25519_start)) {
    const BytesView key = der.subspan(ed25519_start.size());
    return PublicKey{.kind = KeyKind::key_ed25519, .bytes = {key.begin(), key.end()}};
  }
  const auto point = point_of_spki(der);
  if (!point) return refused("An administrator's public key is one of Ed25519 or P-256.");
  return PublicKey{.kind = KeyKind::key_es256, .bytes = {point->begin(), point->end()}};
}

Result<PublicKey> public_key_of_pem(std::string_view pem) {
  const auto der = pem_block(bytes_of(pem), "PUBLIC KEY", max_key_file);
  if (!der) return refused("The file must hold one public key, PEM.");
  return public_key_of_spki(der->bytes());
}

std::string pem_of_key(const Administrator& administrator) {
  const Bytes& key = administrator.public_key;
  if (is_es256(administrator.kind)) {
    P256Point point{};
    std::ranges::copy(BytesView(key).first(std::min(key.size(), point.size())), point.begin());
    return x509::to_pem("PUBLIC KEY", spki_of(point));
  }
  Bytes der(ed25519_start.begin(), ed25519_start.end());
  der::append(der, key);
  return x509::to_pem("PUBLIC KEY", der);
}

}  // namespace gims::hsm::approval
