#include "hsm/tpm2/use.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/wipe.hpp"
#include "hsm/tpm2/templates.hpp"

namespace gims::hsm::tpm2 {
namespace {

// Read and overwritten with no authorisation of its own; see Use::value_index().
constexpr TPMA_NV value_attributes = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE | TPMA_NV_NO_DA;

// What stands in a slot that holds no value.
constexpr std::array<std::uint8_t, auth_size> nothing{};
bool is_nothing(const SecretBytes& value) { return equal_in_constant_time(value.bytes(), nothing); }

std::unexpected<Error> custody(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
}

}  // namespace

Result<> Use::begin(bool make_storage_key) {
  GIMS_TRY_ASSIGN(tpm_, Connection::open(*options_));
  GIMS_TRY_ASSIGN(storage_, tpm_->storage_key(make_storage_key));
  return {};
}

Result<> Use::start_session() {
  GIMS_TRY_ASSIGN(session_, tpm_->start_session(storage_.object, TPM2_SE_HMAC));
  return {};
}

Result<Use> Use::pinned(const Options& options, BytesView storage_name) {
  Use use(options);
  GIMS_TRY(use.begin(false));
  if (!std::ranges::equal(storage_name, use.storage_.name)) {
    return custody(
        "The storage key of this TPM is not the one that was pinned at provisioning: this is "
        "another TPM, or its owner was cleared.");
  }
  GIMS_TRY(use.start_session());
  return use;
}

Result<Use> Use::first(const Options& options) {
  Use use(options);
  GIMS_TRY(use.begin(true));
  GIMS_TRY(use.start_session());
  return use;
}

NvIndex Use::value_index(Slot slot) const {
  return {*tpm_, session_.get(), options_->value_indices.at(static_cast<std::size_t>(slot))};
}

Result<> Use::define_value(Slot slot) const {
  const NvIndex index = value_index(slot);
  GIMS_TRY_ASSIGN(const bool there, index.exists());
  if (there) GIMS_TRY(index.undefine());
  GIMS_TRY(index.define({.attributes = value_attributes, .size = auth_size}, {}));
  return index.write(nothing, {});
}

Result<SecretBytes> Use::make_value(Slot slot) const {
  const NvIndex index = value_index(slot);
  GIMS_TRY_ASSIGN(SecretBytes value, SecretBytes::random(auth_size));
  GIMS_TRY(index.write(value.bytes(), {}));
  return value;
}

Result<SecretBytes> Use::held_value(Slot slot) const {
  const NvIndex index = value_index(slot);
  GIMS_TRY_ASSIGN(const bool there, index.exists());
  if (!there) return SecretBytes();
  GIMS_TRY_ASSIGN(const bool written, index.written());
  if (!written) return SecretBytes();
  GIMS_TRY_ASSIGN(SecretBytes value, index.read(auth_size, {}));
  if (is_nothing(value)) return SecretBytes();
  return value;
}

Result<SecretBytes> Use::read_value(Slot slot) const {
  GIMS_TRY_ASSIGN(SecretBytes value, held_value(slot));
  if (value.empty()) {
    return custody(
        "This TPM does not hold the site's authorisation value: it was cleared, or the site was "
        "zeroized.");
  }
  return value;
}

Result<bool> Use::holds_value(Slot slot) const {
  GIMS_TRY_ASSIGN(const SecretBytes value, held_value(slot));
  return !value.empty();
}

Result<bool> Use::destroy_value(Slot slot) const {
  GIMS_TRY_ASSIGN(const bool held, holds_value(slot));
  if (!held) return false;
  // Overwritten, not deleted: that needs no owner's authorisation, which may be lost.
  GIMS_TRY(value_index(slot).write(nothing, {}));
  return true;
}

Result<StoredObject> Use::create(const TPM2B_PUBLIC& shape, const SecretBytes& auth,
                                 BytesView data) const {
  TPM2B_SENSITIVE_CREATE sensitive{};
  sensitive.sensitive.userAuth = auth_of(auth.bytes());
  sensitive.sensitive.data.size = static_cast<UINT16>(data.size());
  std::ranges::copy(data, sensitive.sensitive.data.buffer);
  const TPM2B_DATA no_data{};
  const TPML_PCR_SELECTION no_pcrs{};
  Given<TPM2B_PRIVATE> private_area;
  Given<TPM2B_PUBLIC> public_area;
  GIMS_TRY(tpm_->encrypt(session_.get(), TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT));
  const TSS2_RC created = Esys_Create(
      tpm_->esys(), storage_.object, session_.get(), ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &shape,
      &no_data, &no_pcrs, private_area.out(), public_area.out(), nullptr, nullptr, nullptr);
  wipe_object(sensitive);
  GIMS_TRY(tpm_->encrypt(session_.get(), 0));
  GIMS_TRY(tpm_->check(created, "TPM2_Create"));
  return StoredObject{.public_area = *public_area.get(), .private_area = *private_area.get()};
}

Result<Loaded> Use::load(const StoredObject& object, const SecretBytes& auth) const {
  ESYS_TR handle = ESYS_TR_NONE;
  GIMS_TRY(tpm_->check(Esys_Load(tpm_->esys(), storage_.object, session_.get(), ESYS_TR_NONE,
                                 ESYS_TR_NONE, &object.private_area, &object.public_area, &handle),
                       "TPM2_Load"));
  Loaded loaded(tpm_->esys(), handle);
  GIMS_TRY(tpm_->set_auth(handle, auth.bytes()));
  return loaded;
}

Result<const release::ReleasePolicy*> Use::running_release() const {
  if (!options_->release) return std::unexpected(options_->release.error());
  return &*options_->release;
}

Result<Loaded> Use::boot_session(const Blob& blob) const {
  GIMS_TRY_ASSIGN(const release::ReleasePolicy* const release, running_release());
  if (release->key != blob.release_key) {
    return fail(
        ErrorKind::unavailable, boot_code,
        "The release's policy is signed with another release key than this unit's keys were "
        "sealed to: this image is not of the one who made the unit's.");
  }
  return start_boot_session(*tpm_, storage_.object, session_.get(), *release, blob.own);
}

Result<SecretBytes> Use::unseal(const Loaded& object, const Loaded& policy) const {
  GIMS_TRY(tpm_->encrypt(policy.get(), TPMA_SESSION_ENCRYPT));
  Given<TPM2B_SENSITIVE_DATA> data;
  GIMS_TRY(tpm_->check(
      Esys_Unseal(tpm_->esys(), object.get(), policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, data.out()),
      "TPM2_Unseal"));
  auto secret = SecretBytes::copy_of({data.get()->buffer, data.get()->size});
  wipe_object(*data.get());
  return secret;
}

Result<P256Signature> Use::sign(const Loaded& key, const Loaded& policy,
                                const Digest& digest) const {
  const TPM2B_DIGEST input = to_tpm(digest);
  const TPMT_SIG_SCHEME scheme{.scheme = TPM2_ALG_ECDSA,
                               .details = {.ecdsa = {.hashAlg = TPM2_ALG_SHA256}}};
  // An unrestricted key signs a digest that was made outside: no ticket.
  TPMT_TK_HASHCHECK no_ticket{};
  no_ticket.tag = TPM2_ST_HASHCHECK;
  no_ticket.hierarchy = TPM2_RH_NULL;
  Given<TPMT_SIGNATURE> signature;
  GIMS_TRY(tpm_->check(Esys_Sign(tpm_->esys(), key.get(), policy.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                                 &input, &scheme, &no_ticket, signature.out()),
                       "TPM2_Sign"));
  return signature_of(*signature.get());
}

}  // namespace gims::hsm::tpm2
