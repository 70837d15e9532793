#include "hsm/approval/signature.hpp"

#include <mbedtls/asn1.h>
#include <sodium.h>

#include <algorithm>

#include "hsm/approval/assertion.hpp"
#include "hsm/ca/der.hpp"
#include "hsm/ca/sha256.hpp"

namespace gims::hsm::approval {
namespace {

bool read_number(std::uint8_t** at, const std::uint8_t* end, std::span<std::uint8_t, 32> out) {
  std::size_t size = 0;
  if (mbedtls_asn1_get_tag(at, end, &size, MBEDTLS_ASN1_INTEGER) != 0) return false;
  BytesView number(*at, size);
  *at += size;
  if (number.size() == out.size() + 1 && number[0] == 0) number = number.subspan(1);
  if (number.size() > out.size()) return false;
  std::ranges::copy(number, out.last(number.size()).begin());
  return true;
}

}  // namespace

Bytes der_of(const P256Signature& signature) {
  return der::sequence({der::unsigned_integer(signature.r), der::unsigned_integer(signature.s)});
}

std::optional<P256Signature> p256_signature_of(BytesView der) {
  if (der.size() > max_signature) return std::nullopt;
  P256Signature signature;
  Bytes bytes(der.begin(), der.end());  // mbedTLS reads through pointers that could write
  std::uint8_t* at = bytes.data();
  const std::uint8_t* const end = at + bytes.size();
  std::size_t size = 0;
  if (mbedtls_asn1_get_tag(&at, end, &size, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) !=
          0 ||
      !read_number(&at, end, signature.r) || !read_number(&at, end, signature.s)) {
    return std::nullopt;
  }
  // Lengths in a longer form, numbers that are negative or have zeros in front, bytes left over:
  // all is found by writing the signature again.
  if (!std::ranges::equal(der_of(signature), der)) return std::nullopt;
  return signature;
}

bool signed_by(const Administrator& administrator, BytesView message, BytesView signature) {
  if (!is_es256(administrator.kind)) {
    return administrator.public_key.size() == crypto_sign_PUBLICKEYBYTES &&
           signature.size() == crypto_sign_BYTES &&
           crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                       administrator.public_key.data()) == 0;
  }
  P256Point key{};
  const auto numbers = p256_signature_of(signature);
  if (!numbers || administrator.public_key.size() != key.size()) return false;
  std::ranges::copy(administrator.public_key, key.begin());
  return p256_verify(key, sha256({message}), *numbers);
}

}  // namespace gims::hsm::approval
