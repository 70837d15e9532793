#include "tls/file_leaf_source.hpp"

#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <ctime>

#include "base/handle.hpp"
#include "sys/atomic_file.hpp"
#include "tls/mbedtls_error.hpp"

namespace gims::tls {
namespace {

constexpr std::size_t most_bytes = 64 * 1024;

struct Chain {
  Chain() { mbedtls_x509_crt_init(&crt); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;
  ~Chain() { mbedtls_x509_crt_free(&crt); }
  mbedtls_x509_crt crt;
};

Millis millis_of(const mbedtls_x509_time& time) {
  std::tm parts{};
  parts.tm_year = time.year - 1900;
  parts.tm_mon = time.mon - 1;
  parts.tm_mday = time.day;
  parts.tm_hour = time.hour;
  parts.tm_min = time.min;
  parts.tm_sec = time.sec;
  return static_cast<Millis>(::timegm(&parts)) * 1000;
}

// mbedTLS tells PEM from DER by a final zero.
Result<std::vector<std::uint8_t>> read_pem(const std::string& path) {
  GIMS_TRY_ASSIGN(auto bytes, sys::read_file(path, most_bytes));
  bytes.push_back(0);
  return bytes;
}

// Each certificate in turn, unparsed: an issuing CA may have extensions that mbedTLS cannot read.
Result<std::vector<std::vector<std::uint8_t>>> certificates_from_pem(
    std::span<const std::uint8_t> pem) {
  std::vector<std::vector<std::uint8_t>> chain;
  for (;;) {
    mbedtls_pem_context block;
    mbedtls_pem_init(&block);
    const Handle<mbedtls_pem_context, mbedtls_pem_free> owner(&block);
    std::size_t used = 0;
    const int code =
        mbedtls_pem_read_buffer(&block, "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----",
                                pem.data(), nullptr, 0, &used);
    if (code == MBEDTLS_ERR_PEM_NO_HEADER_FOOTER_PRESENT) return chain;
    if (code != 0) return fail_mbedtls("certificate", code);
    std::size_t size = 0;
    const unsigned char* der = mbedtls_pem_get_buffer(&block, &size);
    chain.emplace_back(der, der + size);
    pem = pem.subspan(used);
  }
}

Result<SecretBytes> key_from_pem(std::span<const std::uint8_t> pem) {
  mbedtls_pk_context key;
  mbedtls_pk_init(&key);
  const Handle<mbedtls_pk_context, mbedtls_pk_free> owner(&key);
  if (const int code =
          mbedtls_pk_parse_key(&key, pem.data(), pem.size(), nullptr, 0, random_bytes, nullptr);
      code != 0) {
    return fail_mbedtls("private key", code);
  }
  GIMS_TRY_ASSIGN(SecretBytes room, SecretBytes::zeroed(8192));
  const auto bytes = room.writable();
  const int size = mbedtls_pk_write_key_der(&key, bytes.data(), bytes.size());
  if (size < 0) return fail_mbedtls("private key", size);
  return SecretBytes::copy_of(bytes.last(static_cast<std::size_t>(size)));
}

}  // namespace

FileLeafSource::FileLeafSource(std::string certificate_path, std::string key_path)
    : certificate_path_(std::move(certificate_path)), key_path_(std::move(key_path)) {}

Result<Leaf> FileLeafSource::obtain() {
  GIMS_TRY_ASSIGN(const auto certificates, read_pem(certificate_path_));
  GIMS_TRY_ASSIGN(const auto key, read_pem(key_path_));
  Leaf leaf;
  GIMS_TRY_ASSIGN(leaf.chain, certificates_from_pem(certificates));
  if (leaf.chain.empty()) return fail_leaf("no certificate in " + certificate_path_);
  GIMS_TRY_ASSIGN(leaf.private_key, key_from_pem(key));
  Chain first;
  if (const int code =
          mbedtls_x509_crt_parse_der(&first.crt, leaf.chain[0].data(), leaf.chain[0].size());
      code != 0) {
    return fail_mbedtls(certificate_path_, code);
  }
  leaf.not_before = millis_of(first.crt.valid_from);
  leaf.not_after = millis_of(first.crt.valid_to);
  return leaf;
}

}  // namespace gims::tls
