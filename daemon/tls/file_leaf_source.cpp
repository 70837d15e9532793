#include "tls/file_leaf_source.hpp"

#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include <ctime>

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
  Chain chain;
  const int code = mbedtls_x509_crt_parse(&chain.crt, certificates.data(), certificates.size());
  // A positive number counts the certificates that could not be read.
  if (code > 0) return fail_leaf("a certificate in " + certificate_path_ + " cannot be read");
  if (code < 0) return fail_mbedtls(certificate_path_, code);
  GIMS_TRY_ASSIGN(const auto key, read_pem(key_path_));
  Leaf leaf;
  GIMS_TRY_ASSIGN(leaf.private_key, key_from_pem(key));
  for (const mbedtls_x509_crt* crt = &chain.crt; crt != nullptr; crt = crt->next) {
    leaf.chain.emplace_back(crt->raw.p, crt->raw.p + crt->raw.len);
  }
  leaf.not_before = millis_of(chain.crt.valid_from);
  leaf.not_after = millis_of(chain.crt.valid_to);
  return leaf;
}

}  // namespace gims::tls
