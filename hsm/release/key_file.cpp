#include "hsm/release/key_file.hpp"

#include <sodium.h>

#include "hsm/ca/key_text.hpp"

namespace gims::hsm::release {
namespace {

constexpr std::string_view begin_public = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view end_public = "-----END PUBLIC KEY-----";

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_RELEASE_KEY", text);
}

}  // namespace

Result<P256Point> public_key_from_pem(std::string_view pem) {
  const auto der = pem_block(bytes_of(pem), "PUBLIC KEY", max_key_file);
  if (!der) return refused("The release key's file must hold one public key, PEM.");
  auto point = point_of_spki(der->bytes());
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
  const auto der = pem_private_key(pem, max_key_file);
  if (!der) {
    return refused("The release key's file must hold one private key without a passphrase, PEM.");
  }
  auto key = p256_from_der(der->bytes());
  if (!key) return refused("The release key must be a P-256 key (openssl: prime256v1).");
  return key;
}

}  // namespace gims::hsm::release
