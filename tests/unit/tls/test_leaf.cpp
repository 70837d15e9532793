#include "unit/tls/test_leaf.hpp"

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <array>
#include <ctime>

#include "base/check.hpp"
#include "tls/mbedtls_error.hpp"

namespace gims::tls::test {
namespace {

std::string x509_time(Millis when) {
  const std::time_t seconds = when / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 16> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%d%H%M%S", &parts);
  return {text.data(), size};
}

}  // namespace

Leaf make_leaf(Millis not_before, Millis not_after, std::uint8_t serial) {
  mbedtls_pk_context key;
  mbedtls_pk_init(&key);
  GIMS_CHECK(mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0);
  GIMS_CHECK(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key), random_bytes,
                                 nullptr) == 0);
  mbedtls_x509write_cert certificate;
  mbedtls_x509write_crt_init(&certificate);
  mbedtls_x509write_crt_set_subject_key(&certificate, &key);
  mbedtls_x509write_crt_set_issuer_key(&certificate, &key);
  GIMS_CHECK(mbedtls_x509write_crt_set_subject_name(&certificate, "CN=localhost") == 0);
  GIMS_CHECK(mbedtls_x509write_crt_set_issuer_name(&certificate, "CN=localhost") == 0);
  mbedtls_x509write_crt_set_version(&certificate, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(&certificate, MBEDTLS_MD_SHA256);
  GIMS_CHECK(mbedtls_x509write_crt_set_serial_raw(&certificate, &serial, 1) == 0);
  GIMS_CHECK(mbedtls_x509write_crt_set_validity(&certificate, x509_time(not_before).c_str(),
                                                x509_time(not_after).c_str()) == 0);
  std::array<std::uint8_t, 2048> room{};
  Leaf leaf;
  int size =
      mbedtls_x509write_crt_der(&certificate, room.data(), room.size(), random_bytes, nullptr);
  GIMS_CHECK(size > 0);
  leaf.chain.emplace_back(room.end() - size, room.end());
  size = mbedtls_pk_write_key_der(&key, room.data(), room.size());
  GIMS_CHECK(size > 0);
  leaf.private_key = *SecretBytes::copy_of(std::span(room).last(static_cast<std::size_t>(size)));
  leaf.not_before = not_before;
  leaf.not_after = not_after;
  mbedtls_x509write_crt_free(&certificate);
  mbedtls_pk_free(&key);
  return leaf;
}

Leaf make_long_leaf(std::uint8_t serial) {
  constexpr Millis year = Millis{365} * 24 * 3600 * 1000;
  const Millis now = SystemClock().now_ms();
  return make_leaf(now - year, now + 9 * year, serial);
}

}  // namespace gims::tls::test
