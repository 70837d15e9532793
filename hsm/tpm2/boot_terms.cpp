#include "hsm/tpm2/boot_terms.hpp"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <string>

#include "base/check.hpp"
#include "hsm/ca/hex.hpp"
#include "hsm/tpm2/nv.hpp"
#include "hsm/tpm2/templates.hpp"

namespace gims::hsm::tpm2 {
namespace {

using release::ReleasePolicy;

constexpr std::span<const std::uint8_t> the_boot_pcr(&release::boot_pcr, 1);

std::unexpected<Error> refused(std::string_view code, const std::string& text) {
  return fail(ErrorKind::unavailable, code, text);
}

TPM2B_NONCE nonce_of(std::string_view text) {
  TPM2B_NONCE nonce{};
  nonce.size = static_cast<UINT16>(text.size());
  std::ranges::copy(bytes_of(text), nonce.buffer);
  return nonce;
}

TPM2B_NAME tpm_name(BytesView name) {
  TPM2B_NAME out{};
  out.size = static_cast<UINT16>(name.size());
  std::ranges::copy(name, out.name);
  return out;
}

TPM2B_PUBLIC public_of(const P256Point& key) {
  TPM2B_PUBLIC out{};
  const Bytes area = release::key_public_area(key);  // of one form for every key
  std::size_t at = 0;
  GIMS_CHECK(Tss2_MU_TPMT_PUBLIC_Unmarshal(area.data(), area.size(), &at, &out.publicArea) ==
             TSS2_RC_SUCCESS);
  return out;
}

// The TPM's own word that the release key approved `approved` for this purpose, and the policy
// session's step to it.
Result<> authorize(const Connection& tpm, ESYS_TR policy_session, const P256Point& key,
                   const Digest& approved, std::string_view policy_ref,
                   const P256Signature& signature) {
  const TPM2B_PUBLIC area = public_of(key);
  ESYS_TR handle = ESYS_TR_NONE;
  GIMS_TRY(tpm.check(Esys_LoadExternal(tpm.esys(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                       nullptr, &area, ESYS_TR_RH_OWNER, &handle),
                     "TPM2_LoadExternal"));
  const Loaded loaded(tpm.esys(), handle);
  const TPM2B_DIGEST digest = to_tpm(release::approval_digest(approved, bytes_of(policy_ref)));
  const TPMT_SIGNATURE tpm_signature = to_tpm(signature);
  Given<TPMT_TK_VERIFIED> ticket;
  GIMS_TRY(tpm.check(Esys_VerifySignature(tpm.esys(), handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                          ESYS_TR_NONE, &digest, &tpm_signature, ticket.out()),
                     "TPM2_VerifySignature"));
  const TPM2B_DIGEST policy = to_tpm(approved);
  const TPM2B_NONCE ref = nonce_of(policy_ref);
  const TPM2B_NAME name = tpm_name(release::key_name(key));
  return tpm.check(Esys_PolicyAuthorize(tpm.esys(), policy_session, ESYS_TR_NONE, ESYS_TR_NONE,
                                        ESYS_TR_NONE, &policy, &ref, &name, ticket.get()),
                   "TPM2_PolicyAuthorize");
}

Result<> policy_pcr(const Connection& tpm, ESYS_TR policy_session,
                    std::span<const std::uint8_t> pcrs) {
  // No digest is given: the session takes what the PCRs hold, and the object's policy judges it.
  const TPM2B_DIGEST any{};
  const TPML_PCR_SELECTION selection = selection_of(pcrs);
  return tpm.check(Esys_PolicyPCR(tpm.esys(), policy_session, ESYS_TR_NONE, ESYS_TR_NONE,
                                  ESYS_TR_NONE, &any, &selection),
                   "TPM2_PolicyPCR");
}

Result<> policy_release(const Connection& tpm, ESYS_TR policy_session, ESYS_TR session,
                        std::uint64_t number, TPM2_EO comparison) {
  const NvIndex index(tpm, session, release::release_index);
  GIMS_TRY_ASSIGN(const ESYS_TR handle, index.handle({}));
  const auto content = release::index_content(number);
  TPM2B_OPERAND operand{};
  operand.size = static_cast<UINT16>(content.size());
  std::ranges::copy(content, operand.buffer);
  return tpm.check(Esys_PolicyNV(tpm.esys(), handle, handle, policy_session, session, ESYS_TR_NONE,
                                 ESYS_TR_NONE, &operand, 0, comparison),
                   "TPM2_PolicyNV");
}

// The session of a write to the index that the release key approved.
Result<> write_index(const Connection& tpm, ESYS_TR storage_key, ESYS_TR session,
                     const ReleasePolicy& policy, bool first) {
  GIMS_TRY_ASSIGN(const Loaded writing, tpm.start_session(storage_key, TPM2_SE_POLICY));
  const auto content = release::index_content(policy.number);
  if (!first) {
    GIMS_TRY(policy_release(tpm, writing.get(), session, policy.number, TPM2_EO_UNSIGNED_LT));
  }
  const TPM2B_DIGEST command =
      to_tpm(release::nv_write_parameters(release::index_name(policy.key, !first), content));
  GIMS_TRY(tpm.check(Esys_PolicyCpHash(tpm.esys(), writing.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, &command),
                     "TPM2_PolicyCpHash"));
  const Digest approved = first ? release::first_write_policy(policy.key, policy.number)
                                : release::raise_policy(policy.key, policy.number);
  GIMS_TRY(authorize(tpm, writing.get(), policy.key, approved, release::index_policy_ref,
                     first ? policy.first_write : policy.raise));
  return NvIndex(tpm, session, release::release_index).write_by(writing.get(), content);
}

Result<const release::Boot*> boot_that_runs(const Connection& tpm, ESYS_TR session,
                                            const ReleasePolicy& policy) {
  GIMS_TRY_ASSIGN(const auto values, read_pcrs(tpm, session, the_boot_pcr));
  const auto boot = std::ranges::find(policy.boots, values.front(), &release::Boot::pcr);
  if (boot == policy.boots.end()) {
    return refused(boot_code,
                   "What this unit started is not as release " + std::to_string(policy.number) +
                       " has it (PCR 11 holds " + hex(values.front()) +
                       "): its kernel, initrd or command line was changed, or gims-keyd runs at "
                       "another time of the start. Install the release anew.");
  }
  return &*boot;
}

Result<> own_pcrs_are(const Connection& tpm, ESYS_TR session, const OwnPcrs& own) {
  GIMS_TRY_ASSIGN(const auto values, read_pcrs(tpm, session, own_pcrs));
  if (values[0] != own[0]) {
    return refused(boot_code,
                   "PCR 7 differs from the one at provisioning: Secure Boot was switched off, or "
                   "its keys were changed, as a firmware update may do. Undo that, or where it is "
                   "meant let the recovery quorum seal the keys anew: gims-keyd recover.");
  }
  if (values[1] != own[1]) {
    return refused(boot_code,
                   "PCR 15 differs from the one at provisioning: the unit's volumes or its "
                   "identity are others. Put the disk back, or where it is meant let the recovery "
                   "quorum seal the keys anew: gims-keyd recover.");
  }
  return {};
}

}  // namespace

TPML_PCR_SELECTION selection_of(std::span<const std::uint8_t> pcrs) noexcept {
  TPML_PCR_SELECTION selection{};
  selection.count = 1;
  selection.pcrSelections[0].hash = TPM2_ALG_SHA256;
  selection.pcrSelections[0].sizeofSelect = 3;
  for (const std::uint8_t pcr : pcrs) {
    selection.pcrSelections[0].pcrSelect[pcr / 8U] |= static_cast<BYTE>(1U << (pcr % 8U));
  }
  return selection;
}

Result<std::vector<Digest>> read_pcrs(const Connection& tpm, ESYS_TR session,
                                      std::span<const std::uint8_t> pcrs) {
  std::vector<Digest> values;
  // A TPM gives a few at a time.
  while (values.size() < pcrs.size()) {
    const TPML_PCR_SELECTION wanted = selection_of(pcrs.subspan(values.size()));
    GIMS_TRY(tpm.audit(session, true));
    Given<TPML_DIGEST> got;
    Given<TPML_PCR_SELECTION> which;
    UINT32 changes = 0;
    const TSS2_RC read = Esys_PCR_Read(tpm.esys(), session, ESYS_TR_NONE, ESYS_TR_NONE, &wanted,
                                       &changes, which.out(), got.out());
    GIMS_TRY(tpm.audit(session, false));
    GIMS_TRY(tpm.check(read, "TPM2_PCR_Read"));
    const TPML_DIGEST& digests = *got.get();
    if (digests.count == 0 || digests.count > pcrs.size() - values.size()) {
      return refused("GIMS_KEYD_CUSTODY", "The TPM has no SHA-256 bank of PCRs.");
    }
    for (UINT32 i = 0; i < digests.count; ++i) {
      Digest value{};
      if (digests.digests[i].size != value.size()) {
        return refused("GIMS_KEYD_CUSTODY", "The TPM's PCRs are not of SHA-256.");
      }
      std::copy_n(digests.digests[i].buffer, value.size(), value.begin());
      values.push_back(value);
    }
  }
  return values;
}

Digest object_policy(const P256Point& release_key, const OwnPcrs& own) {
  release::PolicyDigest policy;
  policy.authorize(release::key_name(release_key), bytes_of(release::boot_policy_ref));
  policy.pcr(own_pcrs, own);
  policy.auth_value();
  return policy.value();
}

Result<Loaded> start_boot_session(const Connection& tpm, ESYS_TR storage_key, ESYS_TR session,
                                  const ReleasePolicy& policy, const OwnPcrs& own) {
  GIMS_TRY_ASSIGN(const release::Boot* const boot, boot_that_runs(tpm, session, policy));
  GIMS_TRY(own_pcrs_are(tpm, session, own));
  GIMS_TRY_ASSIGN(const std::uint64_t told, told_release(tpm, session));
  if (told > policy.number) {
    return refused(older_code,
                   "This is release " + std::to_string(policy.number) +
                       ", and this unit has already run release " + std::to_string(told) +
                       ": an older one does not get the keys. Start the newer release.");
  }
  GIMS_TRY_ASSIGN(Loaded opened, tpm.start_session(storage_key, TPM2_SE_POLICY));
  GIMS_TRY(policy_pcr(tpm, opened.get(), the_boot_pcr));
  GIMS_TRY(policy_release(tpm, opened.get(), session, policy.number, TPM2_EO_UNSIGNED_LE));
  GIMS_TRY(authorize(tpm, opened.get(), policy.key,
                     release::boot_policy(policy.key, policy.number, boot->pcr),
                     release::boot_policy_ref, boot->signature));
  GIMS_TRY(policy_pcr(tpm, opened.get(), own_pcrs));
  GIMS_TRY(tpm.check(
      Esys_PolicyAuthValue(tpm.esys(), opened.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE),
      "TPM2_PolicyAuthValue"));
  return opened;
}

Result<std::uint64_t> told_release(const Connection& tpm, ESYS_TR session) {
  const NvIndex index(tpm, session, release::release_index);
  GIMS_TRY_ASSIGN(const bool there, index.exists());
  if (!there) return std::uint64_t{0};
  GIMS_TRY_ASSIGN(const bool written, index.written());
  if (!written) return std::uint64_t{0};
  GIMS_TRY_ASSIGN(const SecretBytes content, index.read(release::release_index_size, {}));
  return release::number_of(content.bytes());
}

Result<> begin_release_index(const Connection& tpm, ESYS_TR storage_key, ESYS_TR session,
                             const ReleasePolicy& policy) {
  const NvIndex index(tpm, session, release::release_index);
  GIMS_TRY_ASSIGN(bool there, index.exists());
  if (there) {
    // Of a release key that is not this one's: it could never be written again.
    GIMS_TRY_ASSIGN(const Digest held, index.policy());
    there = held == release::index_policy(policy.key);
    if (!there) GIMS_TRY(index.undefine());
  }
  if (!there) {
    GIMS_TRY(index.define({.attributes = release::release_index_attributes,
                           .size = release::release_index_size,
                           .policy = release::index_policy(policy.key)},
                          {}));
  }
  GIMS_TRY_ASSIGN(const std::uint64_t told, told_release(tpm, session));
  if (told != 0) return {};
  return write_index(tpm, storage_key, session, policy, true);
}

Result<> raise_release(const Connection& tpm, ESYS_TR storage_key, ESYS_TR session,
                       const ReleasePolicy& policy) {
  GIMS_TRY_ASSIGN(const std::uint64_t told, told_release(tpm, session));
  if (told == policy.number) return {};
  return write_index(tpm, storage_key, session, policy, told == 0);
}

}  // namespace gims::hsm::tpm2
