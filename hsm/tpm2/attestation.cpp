#include "hsm/tpm2/attestation.hpp"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/wipe.hpp"
#include "hsm/tpm2/templates.hpp"

namespace gims::hsm::tpm2 {
namespace {

// Those of the start of a unit; the later ones are of applications.
constexpr std::uint8_t quoted_pcrs = 16;
// Where a TPM's maker puts the certificate of its ECC P-256 endorsement key (EK Credential Profile,
// section 2.2.1.4); and the most that is read of it.
constexpr TPM2_HANDLE endorsement_certificate_index = 0x01C0'000A;
constexpr std::uint16_t most_certificate = 2048;
constexpr std::size_t most_public_area = 512;

std::unexpected<Error> custody(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
}

Result<Bytes> public_area(const TPM2B_PUBLIC& key) {
  Bytes area(most_public_area);
  std::size_t size = 0;
  if (Tss2_MU_TPMT_PUBLIC_Marshal(&key.publicArea, area.data(), area.size(), &size) !=
      TSS2_RC_SUCCESS) {
    return custody("A key of the TPM is too long.");
  }
  area.resize(size);
  return area;
}

// The same each time: it follows from the seed that the TPM was made with.
struct EndorsementKey {
  Loaded object;
  TPM2B_PUBLIC public_area{};
};
Result<EndorsementKey> endorsement_key(const Use& use, const SecretBytes& hardware_secret) {
  GIMS_TRY(know(use, hardware_secret, Password::endorsement));
  const TPM2B_SENSITIVE_CREATE no_secret{};
  const TPM2B_PUBLIC shape = endorsement_template();
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcrs{};
  ESYS_TR handle = ESYS_TR_NONE;
  Given<TPM2B_PUBLIC> made;
  GIMS_TRY(use.tpm().check(
      Esys_CreatePrimary(use.tpm().esys(), ESYS_TR_RH_ENDORSEMENT, use.session(), ESYS_TR_NONE,
                         ESYS_TR_NONE, &no_secret, &shape, &no_data, &no_pcrs, &handle, made.out(),
                         nullptr, nullptr, nullptr),
      "TPM2_CreatePrimary"));
  return EndorsementKey{.object = Loaded(use.tpm().esys(), handle), .public_area = *made.get()};
}

// Empty where the maker put none.
Result<Bytes> endorsement_certificate(const Use& use) {
  const NvIndex index(use.tpm(), use.session(), endorsement_certificate_index);
  GIMS_TRY_ASSIGN(const bool there, index.exists());
  if (!there) return Bytes();
  GIMS_TRY_ASSIGN(const std::uint16_t size, index.size());
  if (size > most_certificate) return custody("The TPM's certificate is longer than 2,048 bytes.");
  Bytes certificate;
  // A TPM gives so much at a time (TPM2_PT_NV_BUFFER_MAX is 512 at least).
  constexpr std::uint16_t piece = 512;
  while (certificate.size() < size) {
    const auto at = static_cast<std::uint16_t>(certificate.size());
    const auto part = std::min<std::uint16_t>(piece, static_cast<std::uint16_t>(size - at));
    GIMS_TRY_ASSIGN(const SecretBytes bytes, index.read(part, {}, at));
    certificate.insert(certificate.end(), bytes.bytes().begin(), bytes.bytes().end());
  }
  return certificate;
}

TPM2B_DATA qualifying(const Digest& digest) {
  TPM2B_DATA data{};
  data.size = static_cast<UINT16>(digest.size());
  std::ranges::copy(digest, data.buffer);
  return data;
}

constexpr TPMT_SIG_SCHEME ecdsa_sha256{.scheme = TPM2_ALG_ECDSA,
                                       .details = {.ecdsa = {.hashAlg = TPM2_ALG_SHA256}}};

Result<Attestor::Statement> statement_of(const TPM2B_ATTEST& attest,
                                         const TPMT_SIGNATURE& signature) {
  Attestor::Statement statement;
  statement.attest.assign(attest.attestationData, attest.attestationData + attest.size);
  GIMS_TRY_ASSIGN(statement.signature, signature_of(signature));
  return statement;
}

}  // namespace

Result<Attestor::Identity> identity_of(const Use& use, const Blob& blob,
                                       const SecretBytes& hardware_secret) {
  GIMS_TRY_ASSIGN(const EndorsementKey endorsement, endorsement_key(use, hardware_secret));
  Attestor::Identity identity;
  GIMS_TRY_ASSIGN(identity.attestation_key, public_area(blob.attestation_key.public_area));
  GIMS_TRY_ASSIGN(identity.endorsement_key, public_area(endorsement.public_area));
  GIMS_TRY_ASSIGN(identity.endorsement_certificate, endorsement_certificate(use));
  return identity;
}

Result<Attestor::Quote> quote_by(const Use& use, const Blob& blob, const Digest& nonce) {
  GIMS_TRY_ASSIGN(const Loaded key, use.load(blob.attestation_key, SecretBytes()));
  std::vector<std::uint8_t> pcrs(quoted_pcrs);
  std::iota(pcrs.begin(), pcrs.end(), std::uint8_t{0});
  const TPML_PCR_SELECTION selection = selection_of(pcrs);
  const TPM2B_DATA data = qualifying(nonce);
  Given<TPM2B_ATTEST> attest;
  Given<TPMT_SIGNATURE> signature;
  GIMS_TRY(use.tpm().check(
      Esys_Quote(use.tpm().esys(), key.get(), use.session(), ESYS_TR_NONE, ESYS_TR_NONE, &data,
                 &ecdsa_sha256, &selection, attest.out(), signature.out()),
      "TPM2_Quote"));
  Attestor::Quote quote;
  GIMS_TRY_ASSIGN(quote.statement, statement_of(*attest.get(), *signature.get()));
  // After the quote: whoever verifies compares them with it, and a change between is seen there.
  GIMS_TRY_ASSIGN(quote.pcrs, read_pcrs(use.tpm(), use.session(), pcrs));
  return quote;
}

Result<Attestor::Statement> certify_by(const Use& use, const Blob& blob, ESYS_TR index,
                                       std::uint16_t size, const Digest& statement) {
  GIMS_TRY_ASSIGN(const Loaded key, use.load(blob.attestation_key, SecretBytes()));
  const TPM2B_DATA data = qualifying(statement);
  Given<TPM2B_ATTEST> attest;
  Given<TPMT_SIGNATURE> signature;
  // Two authorisations, and one session proves both commands' parts: the key has no value.
  GIMS_TRY(use.tpm().check(
      Esys_NV_Certify(use.tpm().esys(), key.get(), index, index, ESYS_TR_PASSWORD, use.session(),
                      ESYS_TR_NONE, &data, &ecdsa_sha256, size, 0, attest.out(), signature.out()),
      "TPM2_NV_Certify"));
  return statement_of(*attest.get(), *signature.get());
}

Result<SecretBytes> activate_by(const Use& use, const Blob& blob,
                                const SecretBytes& hardware_secret, BytesView credential,
                                BytesView encrypted_secret) {
  TPM2B_ID_OBJECT sealed{};
  TPM2B_ENCRYPTED_SECRET secret{};
  if (credential.size() > sizeof sealed.credential || encrypted_secret.size() > sizeof secret.secret) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", "The challenge is malformed.");
  }
  sealed.size = static_cast<UINT16>(credential.size());
  std::ranges::copy(credential, sealed.credential);
  secret.size = static_cast<UINT16>(encrypted_secret.size());
  std::ranges::copy(encrypted_secret, secret.secret);

  GIMS_TRY_ASSIGN(const EndorsementKey endorsement, endorsement_key(use, hardware_secret));
  GIMS_TRY_ASSIGN(const Loaded key, use.load(blob.attestation_key, SecretBytes()));
  // The endorsement key's policy: whoever has the hierarchy's password.
  GIMS_TRY_ASSIGN(const Loaded policy, use.tpm().start_session(use.storage_key(), TPM2_SE_POLICY));
  GIMS_TRY(use.tpm().check(
      Esys_PolicySecret(use.tpm().esys(), ESYS_TR_RH_ENDORSEMENT, policy.get(), use.session(),
                        ESYS_TR_NONE, ESYS_TR_NONE, nullptr, nullptr, nullptr, 0, nullptr, nullptr),
      "TPM2_PolicySecret"));
  GIMS_TRY(use.tpm().encrypt(policy.get(), TPMA_SESSION_ENCRYPT));
  Given<TPM2B_DIGEST> opened;
  GIMS_TRY(use.tpm().check(
      Esys_ActivateCredential(use.tpm().esys(), key.get(), endorsement.object.get(), use.session(),
                              policy.get(), ESYS_TR_NONE, &sealed, &secret, opened.out()),
      "TPM2_ActivateCredential"));
  auto result = SecretBytes::copy_of({opened.get()->buffer, opened.get()->size});
  wipe_object(*opened.get());
  return result;
}

}  // namespace gims::hsm::tpm2
