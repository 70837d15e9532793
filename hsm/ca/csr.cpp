#include "hsm/ca/csr.hpp"

#include <mbedtls/asn1.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_csr.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace gims::hsm {
namespace {

// AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758, section 3.2).
constexpr std::array<std::uint8_t, 12> ecdsa_with_sha256{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                                         0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
constexpr std::size_t most_public_key = 128;

struct ParsedRequest {
  mbedtls_x509_csr request;
  ParsedRequest() { mbedtls_x509_csr_init(&request); }
  ParsedRequest(const ParsedRequest&) = delete;
  ParsedRequest& operator=(const ParsedRequest&) = delete;
  ~ParsedRequest() { mbedtls_x509_csr_free(&request); }
};

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", text);
}

// What follows the part that is signed: the algorithm and the signature (RFC 2986, section 4.2).
Result<BytesView> signature_of(const mbedtls_x509_csr& request) {
  unsigned char* at = request.cri.p + request.cri.len;
  const unsigned char* const end = request.raw.p + request.raw.len;
  if (static_cast<std::size_t>(end - at) < ecdsa_with_sha256.size() ||
      !std::equal(ecdsa_with_sha256.begin(), ecdsa_with_sha256.end(), at)) {
    return refused("The request must be signed with ECDSA and SHA-256.");
  }
  at += ecdsa_with_sha256.size();
  mbedtls_asn1_bitstring bits{};
  if (mbedtls_asn1_get_bitstring(&at, end, &bits) != 0 || bits.unused_bits != 0 || at != end) {
    return refused("The request's signature is malformed.");
  }
  return BytesView(bits.p, bits.len);
}

// As a SubjectPublicKeyInfo of the one form that is taken.
Result<P256Point> key_in(mbedtls_pk_context& key) {
  std::array<std::uint8_t, most_public_key> room{};
  // It writes at the end of the room.
  const int size = mbedtls_pk_write_pubkey_der(&key, room.data(), room.size());
  if (size <= 0) return refused("The request's key must be a P-256 key.");
  return point_of_spki(BytesView(room).last(static_cast<std::size_t>(size)));
}

}  // namespace

Result<P256Point> key_of_request(BytesView der) {
  if (der.size() > max_request) return refused("The request is longer than 4,096 bytes.");
  ParsedRequest parsed;
  mbedtls_x509_csr& request = parsed.request;
  if (mbedtls_x509_csr_parse_der(&request, der.data(), der.size()) != 0 ||
      request.raw.len != der.size()) {
    return refused("This is no certificate signing request (PKCS #10, DER).");
  }
  GIMS_TRY_ASSIGN(const P256Point key, key_in(request.pk));
  GIMS_TRY_ASSIGN(const BytesView signature, signature_of(request));
  const Digest digest = sha256({{request.cri.p, request.cri.len}});
  if (mbedtls_pk_verify(&request.pk, MBEDTLS_MD_SHA256, digest.data(), digest.size(),
                        signature.data(), signature.size()) != 0) {
    return refused("The request is not signed by the key that is in it.");
  }
  return key;
}

Result<Bytes> request_in(BytesView file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  for (const std::string_view label : {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"}) {
    const std::string begin = "-----BEGIN " + std::string(label) + "-----";
    const std::size_t at = text.find(begin);
    if (at == std::string_view::npos) continue;
    std::string_view base64 = text.substr(at + begin.size());
    base64 = base64.substr(0, base64.find("-----END"));
    Bytes der(base64.size());
    std::size_t size = 0;
    const char* end = nullptr;
    if (sodium_base642bin(der.data(), der.size(), base64.data(), base64.size(), " \t\r\n", &size,
                          &end, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        end != base64.data() + base64.size()) {
      return refused("The request's PEM is malformed.");
    }
    der.resize(size);
    return der;
  }
  return Bytes(file.begin(), file.end());
}

}  // namespace gims::hsm
