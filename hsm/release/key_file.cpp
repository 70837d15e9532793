#include "hsm/release/key_file.hpp"

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <sodium.h>

#include <algorithm>

#include "base/secret.hpp"

namespace gims::hsm::release {
namespace {

constexpr std::string_view begin_public = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view end_public = "-----END PUBLIC KEY-----";
constexpr std::size_t most_der = 256;

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_RELEASE_KEY", text);
}

struct ParsedKey {
  mbedtls_pk_context context;
  ParsedKey() { mbedtls_pk_init(&context); }
  ParsedKey(const ParsedKey&) = delete;
  ParsedKey& operator=(const ParsedKey&) = delete;
  ~ParsedKey() { mbedtls_pk_free(&context); }
};

int random_bytes(void* /*context*/, unsigned char* out, size_t size) {
  randombytes_buf(out, size);
  return 0;
}

}  // namespace

Result<P256Point> public_key_from_pem(std::string_view pem) {
  const std::size_t begin = pem.find(begin_public);
  const std::size_t end = pem.find(end_public);
  if (pem.size() > max_key_file || begin == std::string_view::npos ||
      end == std::string_view::npos || end < begin + begin_public.size()) {
    return refused("The release key's file must hold one public key, PEM.");
  }
  const std::string_view body =
      pem.substr(begin + begin_public.size(), end - begin - begin_public.size());
  Bytes der(most_der);
  std::size_t size = 0;
  if (sodium_base642bin(der.data(), der.size(), body.data(), body.size(), "\r\n", &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0) {
    return refused("The release key's file is damaged: its base64 does not decode.");
  }
  der.resize(size);
  auto point = point_of_spki(der);
  if (!point) return refused("The release key must be a P-256 key (openssl: prime256v1).");
  return point;
}

std::string public_key_to_pem(const P256Point& key) {
  const Bytes der = spki_of(key);
  constexpr std::size_t line = 64;
  std::string base64(sodium_base64_ENCODED_LEN(der.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(base64.data(), base64.size(), der.data(), der.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  base64.pop_back();  // its final zero
  std::string pem = std::string(begin_public) + "\n";
  for (std::size_t at = 0; at < base64.size(); at += line) pem += base64.substr(at, line) + "\n";
  return pem + std::string(end_public) + "\n";
}

Result<P256Key> private_key_from_pem(BytesView pem) {
  // mbedTLS wants PEM to end with a zero.
  GIMS_TRY_ASSIGN(SecretBytes text, SecretBytes::zeroed(pem.size() + 1));
  std::ranges::copy(pem, text.writable().begin());
  ParsedKey parsed;
  if (mbedtls_pk_parse_key(&parsed.context, text.bytes().data(), text.size(), nullptr, 0,
                           random_bytes, nullptr) != 0) {
    return refused("The release key's file must hold one private key without a passphrase, PEM.");
  }
  if (mbedtls_pk_get_type(&parsed.context) != MBEDTLS_PK_ECKEY ||
      mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(parsed.context)) !=
          MBEDTLS_ECP_DP_SECP256R1) {
    return refused("The release key must be a P-256 key (openssl: prime256v1).");
  }
  GIMS_TRY_ASSIGN(SecretBytes scalar, SecretBytes::zeroed(32));
  std::size_t size = 0;
  if (mbedtls_ecp_write_key_ext(mbedtls_pk_ec(parsed.context), &size, scalar.writable().data(),
                                scalar.size()) != 0 ||
      size != scalar.size()) {
    return refused("The release key's number is malformed.");
  }
  return p256_from_scalar(std::move(scalar));
}

}  // namespace gims::hsm::release
