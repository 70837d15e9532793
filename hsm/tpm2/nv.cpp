#include "hsm/tpm2/nv.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/wipe.hpp"
#include "hsm/tpm2/templates.hpp"

namespace gims::hsm::tpm2 {
namespace {

TPM2B_MAX_NV_BUFFER buffer_of(BytesView content) {
  TPM2B_MAX_NV_BUFFER buffer{};
  GIMS_CHECK(content.size() <= sizeof buffer.buffer);
  buffer.size = static_cast<UINT16>(content.size());
  std::ranges::copy(content, buffer.buffer);
  return buffer;
}

}  // namespace

Result<bool> NvIndex::exists() const {
  // In the session: that there is no index is believed of this TPM alone, not of whoever sits
  // between.
  GIMS_TRY_ASSIGN(const auto found, tpm_->handles(number_, 1, session_));
  return !found.empty() && found.front() == number_;
}

Result<TPMS_NV_PUBLIC> NvIndex::area() const {
  GIMS_TRY_ASSIGN(const ESYS_TR index, handle({}));
  Given<TPM2B_NV_PUBLIC> area;
  Given<TPM2B_NAME> name;
  // In the session, for the same reason: that nothing was written yet is told here.
  GIMS_TRY(tpm_->audit(session_, true));
  const TSS2_RC read = Esys_NV_ReadPublic(tpm_->esys(), index, session_, ESYS_TR_NONE, ESYS_TR_NONE,
                                          area.out(), name.out());
  GIMS_TRY(tpm_->audit(session_, false));
  GIMS_TRY(tpm_->check(read, "TPM2_NV_ReadPublic"));
  return area.get()->nvPublic;
}

Result<bool> NvIndex::written() const {
  GIMS_TRY_ASSIGN(const TPMS_NV_PUBLIC about, area());
  return (about.attributes & TPMA_NV_WRITTEN) != 0;
}

Result<std::uint16_t> NvIndex::size() const {
  GIMS_TRY_ASSIGN(const TPMS_NV_PUBLIC about, area());
  return about.dataSize;
}

Result<Digest> NvIndex::policy() const {
  GIMS_TRY_ASSIGN(const TPMS_NV_PUBLIC about, area());
  Digest policy{};
  std::copy_n(about.authPolicy.buffer, std::min<std::size_t>(about.authPolicy.size, policy.size()),
              policy.begin());
  return policy;
}

Result<> NvIndex::define(const Shape& shape, BytesView auth) const {
  TPM2B_NV_PUBLIC area{};
  area.nvPublic.nvIndex = number_;
  area.nvPublic.nameAlg = TPM2_ALG_SHA256;
  area.nvPublic.attributes = shape.attributes;
  area.nvPublic.dataSize = shape.size;
  if ((shape.attributes & TPMA_NV_POLICYWRITE) != 0)
    area.nvPublic.authPolicy = to_tpm(shape.policy);
  TPM2B_AUTH value = auth_of(auth);
  ESYS_TR index = ESYS_TR_NONE;
  GIMS_TRY(tpm_->encrypt(session_, TPMA_SESSION_DECRYPT));
  const TSS2_RC defined = Esys_NV_DefineSpace(tpm_->esys(), ESYS_TR_RH_OWNER, session_,
                                              ESYS_TR_NONE, ESYS_TR_NONE, &value, &area, &index);
  wipe_object(value);
  GIMS_TRY(tpm_->encrypt(session_, 0));
  return tpm_->check(defined, "TPM2_NV_DefineSpace");
}

Result<> NvIndex::undefine() const {
  GIMS_TRY_ASSIGN(const ESYS_TR index, handle({}));
  return tpm_->check(Esys_NV_UndefineSpace(tpm_->esys(), ESYS_TR_RH_OWNER, index, session_,
                                           ESYS_TR_NONE, ESYS_TR_NONE),
                     "TPM2_NV_UndefineSpace");
}

Result<ESYS_TR> NvIndex::handle(BytesView auth) const {
  ESYS_TR index = ESYS_TR_NONE;
  GIMS_TRY(tpm_->check(Esys_TR_FromTPMPublic(tpm_->esys(), number_, ESYS_TR_NONE, ESYS_TR_NONE,
                                             ESYS_TR_NONE, &index),
                       "TPM2_NV_ReadPublic"));
  GIMS_TRY(tpm_->set_auth(index, auth));
  return index;
}

Result<> NvIndex::write(BytesView content, BytesView auth) const {
  GIMS_TRY_ASSIGN(const ESYS_TR index, handle(auth));
  TPM2B_MAX_NV_BUFFER data = buffer_of(content);
  GIMS_TRY(tpm_->encrypt(session_, TPMA_SESSION_DECRYPT));
  const TSS2_RC written =
      Esys_NV_Write(tpm_->esys(), index, index, session_, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0);
  wipe_object(data);
  GIMS_TRY(tpm_->encrypt(session_, 0));
  return tpm_->check(written, "TPM2_NV_Write");
}

Result<> NvIndex::write_by(ESYS_TR policy_session, BytesView content) const {
  GIMS_TRY_ASSIGN(const ESYS_TR index, handle({}));
  const TPM2B_MAX_NV_BUFFER data = buffer_of(content);
  return tpm_->check(Esys_NV_Write(tpm_->esys(), index, index, policy_session, ESYS_TR_NONE,
                                   ESYS_TR_NONE, &data, 0),
                     "TPM2_NV_Write");
}

Result<> NvIndex::increment(BytesView auth) const {
  GIMS_TRY_ASSIGN(const ESYS_TR index, handle(auth));
  return tpm_->check(
      Esys_NV_Increment(tpm_->esys(), index, index, session_, ESYS_TR_NONE, ESYS_TR_NONE),
      "TPM2_NV_Increment");
}

Result<SecretBytes> NvIndex::read(std::uint16_t size, BytesView auth, std::uint16_t offset) const {
  GIMS_TRY_ASSIGN(const ESYS_TR index, handle(auth));
  GIMS_TRY(tpm_->encrypt(session_, TPMA_SESSION_ENCRYPT));
  Given<TPM2B_MAX_NV_BUFFER> data;
  const TSS2_RC read = Esys_NV_Read(tpm_->esys(), index, index, session_, ESYS_TR_NONE,
                                    ESYS_TR_NONE, size, offset, data.out());
  GIMS_TRY(tpm_->encrypt(session_, 0));
  GIMS_TRY(tpm_->check(read, "TPM2_NV_Read"));
  if (data.get()->size != size) {
    wipe_object(*data.get());
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "An index of the TPM does not hold what was asked for.");
  }
  auto content = SecretBytes::copy_of({data.get()->buffer, data.get()->size});
  wipe_object(*data.get());
  return content;
}

}  // namespace gims::hsm::tpm2
