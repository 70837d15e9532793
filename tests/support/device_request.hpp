// Requests for certificates, as a device makes them.
#pragma once

#include "hsm/ca/der.hpp"
#include "hsm/ca/p256.hpp"
#include "hsm/ca/x509.hpp"

namespace gims::test {

// PKCS #10 (RFC 2986) of a key, DER, for the subject "minister".
inline hsm::Bytes request_of(const hsm::P256Key& key) {
  namespace der = hsm::der;
  const hsm::Bytes name = der::sequence({der::element(
      der::tag_set, {der::sequence({der::oid({0x55, 0x04, 3}),
                                    der::element(der::tag_utf8_string, "minister")})})});
  const hsm::Bytes asked = der::sequence({der::small_integer(0), name, hsm::spki_of(key.public_key),
                                          der::element(der::context_of_many(0), {})});
  return *hsm::x509::with_signature(asked, key.public_key, [&key](const hsm::Digest& digest) {
    return hsm::p256_sign(key, digest);
  });
}

}  // namespace gims::test
