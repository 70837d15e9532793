#include "hsm/attest/endorsement.hpp"

#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/x509_crt.h>

#include <algorithm>
#include <array>
#include <span>

namespace gims::hsm::attest {
namespace {

struct Certificates {
  mbedtls_x509_crt first;
  Certificates() { mbedtls_x509_crt_init(&first); }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;
  ~Certificates() { mbedtls_x509_crt_free(&first); }

  // DER, or one or several in PEM, for which mbedTLS wants a zero at the end.
  bool add(BytesView content) {
    if (mbedtls_x509_crt_parse_der(&first, content.data(), content.size()) == 0) return true;
    Bytes text(content.begin(), content.end());
    text.push_back(0);
    return mbedtls_x509_crt_parse(&first, text.data(), text.size()) == 0;
  }
};

bool is_of(mbedtls_pk_context& certified, const PublicKey& key) {
  if (key.kind == PublicKey::Kind::p256) {
    std::array<std::uint8_t, 128> room{};
    // Written to the end of the room.
    const int size = mbedtls_pk_write_pubkey_der(&certified, room.data(), room.size());
    return size > 0 && std::ranges::equal(BytesView(room).last(static_cast<std::size_t>(size)),
                                          spki_of(key.point));
  }
  if (mbedtls_pk_get_type(&certified) != MBEDTLS_PK_RSA ||
      mbedtls_pk_get_bitlen(&certified) != 8 * key.modulus.size()) {
    return false;
  }
  Bytes modulus(key.modulus.size());
  std::array<std::uint8_t, 4> exponent{};
  if (mbedtls_rsa_export_raw(mbedtls_pk_rsa(certified), modulus.data(), modulus.size(), nullptr, 0,
                             nullptr, 0, nullptr, 0, exponent.data(), exponent.size()) != 0) {
    return false;
  }
  std::uint32_t number = 0;
  for (const std::uint8_t byte : exponent) number = (number << 8U) | byte;
  return modulus == key.modulus && number == key.exponent;
}

}  // namespace

Result<std::string> check_endorsement(BytesView certificate, const PublicKey& key,
                                      const std::vector<Bytes>& roots) {
  Certificates trusted;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    if (!trusted.add(roots[i])) {
      return fail(ErrorKind::bad_input, "GIMS_ATTEST",
                  "File " + std::to_string(i + 1) +
                      " of the makers' certificates holds none that can be read.");
    }
  }
  Certificates own;
  if (mbedtls_x509_crt_parse_der(&own.first, certificate.data(), certificate.size()) != 0) {
    return std::string("it cannot be read");
  }
  if (!is_of(own.first.pk, key)) return std::string("it is of another key");
  std::uint32_t flags = 0;
  const int verified = mbedtls_x509_crt_verify(&own.first, &trusted.first, nullptr, nullptr, &flags,
                                               nullptr, nullptr);
  constexpr std::uint32_t of_time = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
  if (verified == 0) return std::string();
  if (verified == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && (flags & ~of_time) == 0) {
    return std::string();
  }
  return std::string("none of the makers' certificates that were given leads to it");
}

}  // namespace gims::hsm::attest
