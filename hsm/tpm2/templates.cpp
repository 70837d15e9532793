#include "hsm/tpm2/templates.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace gims::hsm::tpm2 {
namespace {

// Bound to this TPM and its storage key; used by policy alone; not counted by the dictionary attack
// protection, whose lock would keep the site from starting, as the authorisation value is 256 random
// bits.
constexpr TPMA_OBJECT under_policy =
    TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_NODA | TPMA_OBJECT_ADMINWITHPOLICY;

// PolicySecret of the endorsement hierarchy (EK Credential Profile, section B.3).
constexpr std::array<std::uint8_t, 32> endorsement_policy{
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};

std::unexpected<Error> custody(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
}

TPM2B_PUBLIC p256_key(TPMA_OBJECT attributes) {
  TPM2B_PUBLIC key{};
  TPMT_PUBLIC& area = key.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = attributes;
  TPMS_ECC_PARMS& ecc = area.parameters.eccDetail;
  ecc.symmetric.algorithm = TPM2_ALG_NULL;
  ecc.scheme.scheme = TPM2_ALG_NULL;
  ecc.curveID = TPM2_ECC_NIST_P256;
  ecc.kdf.scheme = TPM2_ALG_NULL;
  return key;
}

TPM2B_PUBLIC decrypting(TPM2B_PUBLIC key) {
  TPMT_SYM_DEF_OBJECT& symmetric = key.publicArea.parameters.eccDetail.symmetric;
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = 128;
  symmetric.mode.aes = TPM2_ALG_CFB;
  return key;
}

TPM2B_PUBLIC signing(TPM2B_PUBLIC key) {
  TPMT_ECC_SCHEME& scheme = key.publicArea.parameters.eccDetail.scheme;
  scheme.scheme = TPM2_ALG_ECDSA;
  scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  return key;
}

// A number of the TPM comes without leading zeros, or with them.
bool copy_padded(const TPM2B_ECC_PARAMETER& number, std::span<std::uint8_t> out) {
  if (number.size > out.size()) return false;
  std::ranges::fill(out, std::uint8_t{0});
  std::copy_n(number.buffer, number.size, out.last(number.size).begin());
  return true;
}

TPM2B_ECC_PARAMETER parameter(BytesView number) {
  TPM2B_ECC_PARAMETER out{};
  out.size = static_cast<UINT16>(number.size());
  std::ranges::copy(number, out.buffer);
  return out;
}

}  // namespace

TPM2B_PUBLIC storage_template() {
  return decrypting(p256_key(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
                             TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                             TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA));
}

TPM2B_PUBLIC sealed_template(const Digest& policy) {
  TPM2B_PUBLIC sealed{};
  TPMT_PUBLIC& area = sealed.publicArea;
  area.type = TPM2_ALG_KEYEDHASH;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = under_policy;
  area.authPolicy = to_tpm(policy);
  area.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  return sealed;
}

TPM2B_PUBLIC signing_template(const Digest& policy) {
  TPM2B_PUBLIC key = signing(
      p256_key(under_policy | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_SENSITIVEDATAORIGIN));
  key.publicArea.authPolicy = to_tpm(policy);
  return key;
}

TPM2B_PUBLIC attestation_template() {
  return signing(p256_key(TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
                          TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA));
}

TPM2B_PUBLIC endorsement_template() {
  TPM2B_PUBLIC key = decrypting(p256_key(
      TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
      TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_ADMINWITHPOLICY));
  key.publicArea.authPolicy = to_tpm(endorsement_policy);
  constexpr std::array<std::uint8_t, 32> zeros{};
  key.publicArea.unique.ecc = {.x = parameter(zeros), .y = parameter(zeros)};
  return key;
}

Result<P256Point> point_of(const TPM2B_PUBLIC& key) {
  P256Point point{};
  point[0] = 4;
  const TPMS_ECC_POINT& unique = key.publicArea.unique.ecc;
  const auto out = std::span(point).subspan(1);
  if (key.publicArea.type != TPM2_ALG_ECC ||
      key.publicArea.parameters.eccDetail.curveID != TPM2_ECC_NIST_P256 ||
      !copy_padded(unique.x, out.first(32)) || !copy_padded(unique.y, out.last(32))) {
    return custody("The TPM's signing key is not of the curve P-256.");
  }
  return point;
}

Result<P256Signature> signature_of(const TPMT_SIGNATURE& signature) {
  P256Signature plain;
  const TPMS_SIGNATURE_ECC& ecdsa = signature.signature.ecdsa;
  if (signature.sigAlg != TPM2_ALG_ECDSA || !copy_padded(ecdsa.signatureR, plain.r) ||
      !copy_padded(ecdsa.signatureS, plain.s)) {
    return custody("The TPM's signature is not one of ECDSA over P-256.");
  }
  return plain;
}

TPMT_SIGNATURE to_tpm(const P256Signature& signature) {
  TPMT_SIGNATURE out{};
  out.sigAlg = TPM2_ALG_ECDSA;
  out.signature.ecdsa = {.hash = TPM2_ALG_SHA256,
                         .signatureR = parameter(signature.r),
                         .signatureS = parameter(signature.s)};
  return out;
}

TPM2B_DIGEST to_tpm(const Digest& digest) {
  TPM2B_DIGEST out{};
  out.size = static_cast<UINT16>(digest.size());
  std::ranges::copy(digest, out.buffer);
  return out;
}

}  // namespace gims::hsm::tpm2
