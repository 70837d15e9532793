// What the end of a ceremony writes.
#include <sodium.h>

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "hsm/ca/certificate.hpp"
#include "hsm/ca/crl.hpp"
#include "hsm/ca/site.hpp"
#include "hsm/core/custodian.hpp"

namespace gims::hsm {
namespace {

std::unexpected<Error> custody_error(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
}

bool same_key(const SecretBytes& a, const SecretBytes& b) {
  return equal_in_constant_time(a.bytes(), b.bytes());
}

// custody.bin as it is to be written next, for an envelope of the same site.
Result<CustodyRecord> next_custody(const CustodyRecord& now, const SecretBytes& root_key,
                                   const Envelope& envelope) {
  if (!same_key(envelope.root_key, root_key)) {
    return custody_error("The recovery file is not of this site's keys.");
  }
  CustodyRecord next = now;
  ++next.number;
  return next;
}

}  // namespace

Result<RecoveryRecord> Custodian::write_end_of(const Ceremony& ceremony) {
  switch (ceremony.request().kind) {
    case CeremonyKind::provision:
      return finish_provision(ceremony);
    case CeremonyKind::reshare:
      return finish_reshare(ceremony);
    case CeremonyKind::restore:
      return finish_restore(ceremony);
    case CeremonyKind::accept:
      return finish_accept(ceremony);
    case CeremonyKind::administrators:
      return finish_administrators(ceremony);
    case CeremonyKind::renew_ca:
      break;
  }
  return finish_renew_ca(ceremony);
}

Result<CustodyRecord> Custodian::new_record(const SiteParameters& site, const Vault::Sealed& sealed,
                                            const Envelope& envelope) const {
  CustodyRecord record;
  record.made_at = now();
  record.vault_kind = vault_->kind();
  record.vault_blob = sealed.blob;
  record.site = site;
  GIMS_TRY_ASSIGN(const SecretBytes wrapping, derive(envelope.root_key, Purpose::wrapping));
  record.server_seed = wrap(wrapping, server_seed_label, envelope.server_seed);
  return record;
}

Result<> Custodian::certify(CustodyRecord& custody, RecoveryRecord& recovery,
                            const SecretBytes& site_root, const P256Point& ca_key) const {
  GIMS_TRY_ASSIGN(SecretBytes scalar, site_root.clone());
  GIMS_TRY_ASSIGN(const P256Key root, p256_from_scalar(std::move(scalar)));
  const Signer by_root = [&root](const Digest& digest) { return p256_sign(root, digest); };
  if (recovery.site_root.empty()) {
    GIMS_TRY_ASSIGN(recovery.site_root, make_root(custody.site, root.public_key, now(), by_root));
  }
  custody.site_root = recovery.site_root;
  GIMS_TRY_ASSIGN(custody.issuing_ca,
                  make_issuing_ca(custody.site, root.public_key, ca_key, now(), by_root));
  GIMS_TRY(note_issued(recovery, custody.issuing_ca, now()));
  ++recovery.crl_number;
  GIMS_TRY_ASSIGN(custody.crl, make_crl(custody.site_root, recovery.crl_number, recovery.revoked,
                                        now(), root_list_lifetime, by_root));
  return {};
}

Result<> Custodian::seal_into(CustodyRecord& custody, RecoveryRecord& recovery,
                              const SecretBytes& secret, const Envelope& envelope) const {
  recovery.made_at = now();
  GIMS_TRY(seal_recovery(recovery, secret, envelope));
  GIMS_TRY_ASSIGN(custody.recovery, encode_recovery(recovery));
  return {};
}

Result<> Custodian::write_custody(const CustodyRecord& custody, const SecretBytes& root_key) const {
  GIMS_TRY_ASSIGN(const Bytes file, encode_custody(custody, root_key));
  return folder_.write(StateFolder::custody, file);
}

void Custodian::take_back(const Vault::Sealed& sealed, const SecretBytes& hardware) {
  if (const auto undone = vault_->destroy(sealed.blob, &hardware); !undone) {
    log::failure(log::id::keys_left_behind,
                 "the keys of a ceremony that failed stay in the hardware", undone.error());
  }
}

Result<RecoveryRecord> Custodian::finish_provision(const Ceremony& ceremony) {
  const CeremonyRequest& request = ceremony.request();
  Envelope envelope;
  if (request.dev_root_key.empty()) {
    GIMS_TRY_ASSIGN(envelope.root_key, SecretBytes::random(key_size));
  } else {
    GIMS_TRY_ASSIGN(envelope.root_key, request.dev_root_key.clone());
  }
  GIMS_TRY_ASSIGN(envelope.server_seed, SecretBytes::random(crypto_sign_SEEDBYTES));
  GIMS_TRY_ASSIGN(P256Key root, generate_p256());
  envelope.site_root = std::move(root.scalar);
  GIMS_TRY_ASSIGN(const SecretBytes hardware, derive(envelope.root_key, Purpose::hardware));
  GIMS_TRY_ASSIGN(const Vault::Sealed sealed,
                  vault_->provision(envelope.root_key, hardware, request.replace));
  // From here on a failure leaves the vault as it was for a new site: empty.
  auto written = [&]() -> Result<RecoveryRecord> {
    RecoveryRecord recovery;
    recovery.share_set = ceremony.share_set();
    recovery.scheme = request.scheme;
    recovery.site = request.site;
    GIMS_TRY_ASSIGN(CustodyRecord custody, new_record(request.site, sealed, envelope));
    custody.administrators = request.administrators;
    GIMS_TRY(certify(custody, recovery, envelope.site_root, sealed.ca_public));
    GIMS_TRY(seal_into(custody, recovery, ceremony.secret(), envelope));
    GIMS_TRY(folder_.destroy(StateFolder::zeroized));
    GIMS_TRY(Freshness::begin({.folder = &folder_,
                               .vault = vault_.get(),
                               .clock = &clock_,
                               .vault_blob = custody.vault_blob,
                               .custody_number = custody.number,
                               .root_key = &envelope.root_key}));
    // Last: with it the site is provisioned.
    GIMS_TRY(write_custody(custody, envelope.root_key));
    return recovery;
  }();
  if (!written) take_back(sealed, hardware);
  return written;
}

Result<RecoveryRecord> Custodian::finish_reshare(const Ceremony& ceremony) {
  const Envelope& envelope = ceremony.envelope();
  GIMS_TRY_ASSIGN(CustodyRecord custody, next_custody(open().record, open().root_key, envelope));
  RecoveryRecord recovery = *ceremony.record();
  ++recovery.generation;
  recovery.share_set = ceremony.share_set();
  recovery.scheme = ceremony.request().scheme;
  GIMS_TRY(seal_into(custody, recovery, ceremony.secret(), envelope));
  GIMS_TRY(write_custody(custody, envelope.root_key));
  return recovery;
}

Result<RecoveryRecord> Custodian::finish_renew_ca(const Ceremony& ceremony) {
  const Envelope& envelope = ceremony.envelope();
  GIMS_TRY_ASSIGN(CustodyRecord custody, next_custody(open().record, open().root_key, envelope));
  RecoveryRecord recovery = *ceremony.record();
  // The key in use signs the list of the devices that it certified until the last of them has
  // ended.
  GIMS_TRY(keep_former(custody));
  GIMS_TRY_ASSIGN(Vault::Sealed sealed, vault_->renew_ca(custody.vault_blob));
  custody.vault_blob = std::move(sealed.blob);
  GIMS_TRY(certify(custody, recovery, envelope.site_root, sealed.ca_public));
  GIMS_TRY(seal_into(custody, recovery, ceremony.secret(), envelope));
  GIMS_TRY(write_custody(custody, envelope.root_key));
  return recovery;
}

Result<> Custodian::keep_former(CustodyRecord& custody) const {
  std::erase_if(custody.former_cas, [this](const FormerCa& ca) { return ca.until <= now(); });
  if (custody.former_cas.size() >= max_former_cas) {
    return fail(
        ErrorKind::conflict, "GIMS_KEYD_REQUEST",
        "The issuing CA was renewed " + std::to_string(max_former_cas) +
            " times within a year: those before are needed for the lists of their devices.");
  }
  GIMS_TRY_ASSIGN(Bytes signs, vault_->for_signing(custody.vault_blob));
  custody.former_cas.push_back(
      {.vault_blob = std::move(signs),
       .certificate = custody.issuing_ca,
       .until = std::min(open().ca_end, now() + std::int64_t{most_device_lifetime})});
  return {};
}

Result<RecoveryRecord> Custodian::finish_accept(const Ceremony& ceremony) {
  GIMS_TRY_ASSIGN(const std::optional<Bytes> file, folder_.read(StateFolder::custody));
  if (!file) return custody_error("custody.bin is missing.");
  GIMS_TRY_ASSIGN(const Open open, open_custody(*file));
  if (!same_key(ceremony.envelope().root_key, open.root_key)) {
    return custody_error("The recovery file is not of this site's keys.");
  }
  GIMS_TRY_ASSIGN(const KeptState before, Freshness::accept(backing(open)));
  log::notice(log::id::older_accepted, "what is there was accepted as the newest",
              {{"SEQUENCE", std::to_string(before.audit.sequence)},
               {"POSITION", std::to_string(before.store_position)}});
  return *ceremony.record();
}

Result<Custodian::Former> Custodian::former_of(const SecretBytes& root_key) const {
  Former former;
  GIMS_TRY_ASSIGN(const std::optional<Bytes> custody, folder_.read(StateFolder::custody));
  if (custody && check_custody(*custody, root_key)) {
    if (auto record = decode_custody(*custody)) {
      GIMS_TRY_ASSIGN(former.recovery, decode_recovery(record->recovery));
      former.number = record->number;
      former.custody = std::move(*record);
    }
  }
  GIMS_TRY_ASSIGN(const std::optional<Bytes> state, folder_.read(StateFolder::state));
  if (state) {
    if (const auto kept = decode_state(*state, root_key)) {
      former.number = std::max(former.number, kept->custody);
    }
  }
  return former;
}

Result<Custodian::Placed> Custodian::place(const SecretBytes& root_key, const SecretBytes& hardware,
                                           bool replace, const Former& former) {
  std::string why;
  if (former.custody && former.custody->vault_kind == vault_->kind()) {
    auto beside = vault_->reseal(former.custody->vault_blob, root_key);
    if (beside) return Placed{.sealed = std::move(*beside), .anew = false};
    if (beside.error().code == away_code) return pass(std::move(beside));
    why = " (It is not the hardware of custody.bin: " + beside.error().text + ")";
  }
  auto sealed = vault_->provision(root_key, hardware, replace);
  if (!sealed) {
    sealed.error().text += why;
    return pass(std::move(sealed));
  }
  return Placed{.sealed = std::move(*sealed), .anew = true};
}

Result<RecoveryRecord> Custodian::finish_restore(const Ceremony& ceremony) {
  const Envelope& envelope = ceremony.envelope();
  RecoveryRecord recovery = *ceremony.record();
  GIMS_TRY_ASSIGN(const Former former, former_of(envelope.root_key));
  if (former.recovery) {
    if (former.recovery->generation > recovery.generation) {
      return fail(ErrorKind::forbidden, "GIMS_KEYD_REQUEST",
                  "The shares were made anew since: this unit takes those of generation " +
                      std::to_string(former.recovery->generation) + ", and the file is of " +
                      std::to_string(recovery.generation) + ".");
    }
    // A copy may be older than what the root signed last.
    if (former.recovery->crl_number > recovery.crl_number) {
      recovery.issued = former.recovery->issued;
      recovery.revoked = former.recovery->revoked;
      recovery.crl_number = former.recovery->crl_number;
    }
  }
  revoke_issued(recovery, now());

  GIMS_TRY_ASSIGN(const SecretBytes hardware, derive(envelope.root_key, Purpose::hardware));
  GIMS_TRY_ASSIGN(const Placed placed,
                  place(envelope.root_key, hardware, ceremony.request().replace, former));
  Open restored;
  auto written = [&]() -> Result<> {
    GIMS_TRY_ASSIGN(restored.root_key, envelope.root_key.clone());
    GIMS_TRY_ASSIGN(restored.record, new_record(recovery.site, placed.sealed, envelope));
    restored.record.number = former.number + 1;
    restored.record.administrators = administrators_after(ceremony.request(), former);
    GIMS_TRY(certify(restored.record, recovery, envelope.site_root, placed.sealed.ca_public));
    GIMS_TRY(seal_into(restored.record, recovery, ceremony.secret(), envelope));
    GIMS_TRY(folder_.destroy(StateFolder::zeroized));
    return write_custody(restored.record, envelope.root_key);
  }();
  if (!written) {
    if (placed.anew) take_back(placed.sealed, hardware);
    return pass(std::move(written));
  }
  // From here on the site is this unit's. Where the next step fails, or the power goes before it,
  // the state is locked for that, and the quorum restores again.
  auto adopted = Freshness::adopt(backing(restored));
  if (!adopted) {
    start();
    return pass(std::move(adopted));
  }
  return recovery;
}

// ---- the recovery file --------------------------------------------------------------------------

void Custodian::keep_recovery_copy(BytesView recovery) const {
  const auto kept = folder_.read(StateFolder::recovery);
  if (kept && *kept && std::ranges::equal(**kept, recovery)) return;
  if (const auto written = folder_.write(StateFolder::recovery, recovery); !written) {
    log::failure(log::id::recovery_not_copied, "recovery.bin was not written", written.error());
  }
}

Result<RecoveryFileReply> Custodian::recovery_file() const {
  if (open_) return RecoveryFileReply{.file = open_->record.recovery};
  GIMS_TRY_ASSIGN(const RecoveryRecord record, record_to_restore({}));
  GIMS_TRY_ASSIGN(Bytes file, encode_recovery(record));
  return RecoveryFileReply{.file = std::move(file)};
}

}  // namespace gims::hsm
