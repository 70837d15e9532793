#include "hsm/ca/key_text.hpp"

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace gims::hsm {
namespace {

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

std::unexpected<Error> no_key() {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", "This is no private key of P-256.");
}

}  // namespace

std::optional<SecretBytes> pem_block(BytesView text, std::string_view label, std::size_t most) {
  const std::string_view all(reinterpret_cast<const char*>(text.data()), text.size());
  const std::string opening = "-----BEGIN " + std::string(label) + "-----";
  const std::string closing = "-----END " + std::string(label) + "-----";
  const std::size_t begin = all.find(opening);
  if (all.size() > most || begin == std::string_view::npos) return std::nullopt;
  const std::string_view rest = all.substr(begin + opening.size());
  const std::size_t end = rest.find(closing);
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  const std::string_view body = rest.substr(0, end);
  auto room = SecretBytes::zeroed(body.size());
  std::size_t size = 0;
  if (!room || sodium_base642bin(room->writable().data(), room->size(), body.data(), body.size(),
                                 "\r\n", &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0) {
    return std::nullopt;
  }
  auto decoded = SecretBytes::copy_of(room->bytes().first(size));
  if (!decoded) return std::nullopt;
  return std::move(*decoded);
}

std::optional<SecretBytes> pem_private_key(BytesView text, std::size_t most) {
  auto der = pem_block(text, "PRIVATE KEY", most);
  return der ? std::move(der) : pem_block(text, "EC PRIVATE KEY", most);
}

Result<P256Key> p256_from_der(BytesView der) {
  ParsedKey parsed;
  if (der.empty() || mbedtls_pk_parse_key(&parsed.context, der.data(), der.size(), nullptr, 0,
                                          random_bytes, nullptr) != 0) {
    return no_key();
  }
  if (mbedtls_pk_get_type(&parsed.context) != MBEDTLS_PK_ECKEY ||
      mbedtls_ecp_keypair_get_group_id(mbedtls_pk_ec(parsed.context)) != MBEDTLS_ECP_DP_SECP256R1) {
    return no_key();
  }
  // With the public half that the file has: what closes a file does not say whether it was changed.
  const mbedtls_ecp_keypair* const pair = mbedtls_pk_ec(parsed.context);
  if (mbedtls_ecp_check_pub_priv(pair, pair, random_bytes, nullptr) != 0) return no_key();
  GIMS_TRY_ASSIGN(SecretBytes scalar, SecretBytes::zeroed(32));
  std::size_t size = 0;
  if (mbedtls_ecp_write_key_ext(mbedtls_pk_ec(parsed.context), &size, scalar.writable().data(),
                                scalar.size()) != 0 ||
      size != scalar.size()) {
    return no_key();
  }
  return p256_from_scalar(std::move(scalar));
}

Result<SecretBytes> p256_to_pem(const P256Key& key) {
  // What stands before the number and before the point is the same for every key of P-256.
  constexpr std::array<std::uint8_t, 36> start{
      0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
      0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
      0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20};
  constexpr std::array<std::uint8_t, 5> middle{0xa1, 0x44, 0x03, 0x42, 0x00};
  constexpr std::string_view opening = "-----BEGIN PRIVATE KEY-----\n";
  constexpr std::string_view closing = "-----END PRIVATE KEY-----\n";
  constexpr std::size_t line = 64;  // RFC 7468, section 2

  GIMS_TRY_ASSIGN(SecretBytes der, SecretBytes::zeroed(start.size() + 32 + middle.size() + 65));
  auto at = std::ranges::copy(start, der.writable().begin()).out;
  at = std::ranges::copy(key.scalar.bytes(), at).out;
  at = std::ranges::copy(middle, at).out;
  std::ranges::copy(key.public_key, at);

  const std::size_t digits = sodium_base64_ENCODED_LEN(der.size(), sodium_base64_VARIANT_ORIGINAL);
  GIMS_TRY_ASSIGN(SecretBytes base64, SecretBytes::zeroed(digits));
  sodium_bin2base64(reinterpret_cast<char*>(base64.writable().data()), base64.size(),
                    der.bytes().data(), der.size(), sodium_base64_VARIANT_ORIGINAL);
  BytesView body = base64.bytes().first(digits - 1);  // without its NUL
  const std::size_t lines = (body.size() + line - 1) / line;
  GIMS_TRY_ASSIGN(SecretBytes pem,
                  SecretBytes::zeroed(opening.size() + body.size() + lines + closing.size()));
  auto out = std::ranges::copy(opening, pem.writable().begin()).out;
  while (!body.empty()) {
    const BytesView part = body.first(std::min(line, body.size()));
    out = std::ranges::copy(part, out).out;
    *out++ = '\n';
    body = body.subspan(part.size());
  }
  std::ranges::copy(closing, out);
  return pem;
}

}  // namespace gims::hsm
