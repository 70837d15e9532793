#include "hsm/ca/x509.hpp"

#include <sodium.h>

#include <algorithm>

#include "hsm/ca/der.hpp"

namespace gims::hsm::x509 {

Bytes ecdsa_with_sha256() {
  return der::sequence({der::oid({0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02})});
}

Bytes extension(std::uint8_t number, Critical critical, BytesView value) {
  constexpr std::array<std::uint8_t, 3> is_true{der::tag_boolean, 1, 0xff};
  const BytesView flag = critical == Critical::yes ? BytesView(is_true) : BytesView();
  return der::sequence(
      {der::oid({0x55, 0x1d, number}), flag, der::element(der::tag_octet_string, {value})});
}

std::array<std::uint8_t, 20> key_identifier(const P256Point& key) {
  const Digest digest = sha256({key});
  std::array<std::uint8_t, 20> identifier{};
  std::copy_n(digest.begin(), identifier.size(), identifier.begin());
  return identifier;
}

Bytes authority_key_identifier(const P256Point& issuer_key) {
  return extension(0x23, Critical::no,
                   der::sequence({der::element(der::context(0), {key_identifier(issuer_key)})}));
}

Result<Bytes> with_signature(BytesView to_be_signed, const P256Point& issuer_key,
                             const Signer& sign) {
  const Digest digest = sha256({to_be_signed});
  GIMS_TRY_ASSIGN(const P256Signature signature, sign(digest));
  if (!p256_verify(issuer_key, digest, signature)) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "The signature on a new certificate or list is wrong.");
  }
  const Bytes value =
      der::sequence({der::unsigned_integer(signature.r), der::unsigned_integer(signature.s)});
  return der::sequence({to_be_signed, ecdsa_with_sha256(), der::bit_string(value)});
}

std::string to_pem(std::string_view label, BytesView der) {
  constexpr std::size_t line = 64;
  std::string base64(sodium_base64_ENCODED_LEN(der.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(base64.data(), base64.size(), der.data(), der.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  base64.pop_back();  // its final zero
  std::string pem = "-----BEGIN " + std::string(label) + "-----\n";
  for (std::size_t at = 0; at < base64.size(); at += line) pem += base64.substr(at, line) + "\n";
  return pem + "-----END " + std::string(label) + "-----\n";
}

}  // namespace gims::hsm::x509
