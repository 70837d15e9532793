// The steps of a ceremony, as the custodian allows them.
#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/utf8.hpp"
#include "hsm/ca/certificate.hpp"
#include "hsm/ca/sha256.hpp"
#include "hsm/ca/site.hpp"
#include "hsm/core/administrators.hpp"
#include "hsm/core/custodian.hpp"

namespace gims::hsm {
namespace {

std::unexpected<Error> not_now(std::string_view text) {
  return fail(ErrorKind::conflict, "GIMS_KEYD_CEREMONY", text);
}

bool allowed_in(CeremonyKind kind, State state) {
  switch (kind) {
    case CeremonyKind::provision:
      return state == State::unprovisioned || state == State::zeroized;
    case CeremonyKind::restore:
      return state != State::operational;
    case CeremonyKind::accept:
      return state == State::locked;
    case CeremonyKind::reshare:
    case CeremonyKind::renew_ca:
    case CeremonyKind::administrators:
      return state == State::operational;
  }
  return false;
}

constexpr std::string_view copy_the_file =
    " Copy the recovery file off this unit: gims-keyd recovery-file --out FILE.";

// What a finished ceremony tells.
std::string told(CeremonyKind kind, const RecoveryRecord& recovery, std::int64_t ca_end) {
  const std::string& site = recovery.site.server_name;
  const std::string now = std::to_string(recovery.generation);
  const std::string before = std::to_string(recovery.generation - 1);
  switch (kind) {
    case CeremonyKind::provision:
      return "Provisioned " + site + "." + std::string(copy_the_file);
    case CeremonyKind::reshare:
      return "The shares of generation " + now + " are in force. A quorum of generation " + before +
             " opens nothing that is made from now on; with a copy of a recovery file or a backup "
             "of generation " +
             before +
             " or less it still opens that, and the keys in it are the site's: destroy the "
             "old shares and those copies." +
             std::string(copy_the_file);
    case CeremonyKind::restore:
      return "Restored " + site +
             " under its site root, with a new issuing CA; those before are revoked (gims-keyd "
             "crl), and devices need new certificates." +
             std::string(copy_the_file);
    case CeremonyKind::accept:
      return "What is there is the newest from now on.";
    case CeremonyKind::renew_ca:
      return "The site has a new issuing CA, until " + date_of(ca_end) +
             ". Certificates that were made before stay good until they end." +
             std::string(copy_the_file);
    case CeremonyKind::administrators:
      return "Who may approve is as you said, and nobody else (gims-keyd administrators).";
  }
  return {};
}

}  // namespace

Result<> Custodian::check_kind(CeremonyKind kind) const {
  if (allowed_in(kind, state_)) return {};
  return fail(ErrorKind::unavailable, "GIMS_KEYD_STATE",
              "The key custodian is " + std::string(name_of(state_)) + ": there is no " +
                  std::string(name_of(kind)) + " in this state.");
}

Result<> Custodian::check_new_site(const CeremonyRequest& request) const {
  GIMS_TRY(check_site(request.site));
  GIMS_TRY_ASSIGN(const std::optional<Bytes> file, folder_.read(StateFolder::recovery));
  if (!file || request.replace) return {};
  return fail(
      ErrorKind::conflict, "GIMS_KEYD_REQUEST",
      "recovery.bin of an earlier site lies in the state folder. Restore that site (gims-keyd "
      "recover), or copy the file away and say that the site is to be replaced.");
}

Result<RecoveryRecord> Custodian::record_to_restore(const Bytes& given) const {
  if (!given.empty()) return decode_recovery(given);
  GIMS_TRY_ASSIGN(const std::optional<Bytes> file, folder_.read(StateFolder::recovery));
  if (file) {
    if (auto record = decode_recovery(*file)) return record;
  }
  GIMS_TRY_ASSIGN(const std::optional<Bytes> custody, folder_.read(StateFolder::custody));
  if (custody) {
    if (const auto record = decode_custody(*custody)) return decode_recovery(record->recovery);
  }
  return fail(
      ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
      "There is no recovery file in the state folder, or it is damaged: give a copy of it.");
}

Result<std::optional<RecoveryRecord>> Custodian::record_for(const CeremonyRequest& request) {
  switch (request.kind) {
    case CeremonyKind::provision:
      return std::nullopt;
    case CeremonyKind::restore:
      return record_to_restore(request.recovery_file);
    case CeremonyKind::accept: {
      GIMS_TRY_ASSIGN(const std::optional<Bytes> file, folder_.read(StateFolder::custody));
      if (!file) {
        return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", "custody.bin is missing.");
      }
      GIMS_TRY_ASSIGN(const Open open, open_custody(*file));
      return decode_recovery(open.record.recovery);
    }
    case CeremonyKind::reshare:
    case CeremonyKind::renew_ca:
    case CeremonyKind::administrators:
      return decode_recovery(open().record.recovery);
  }
  return std::nullopt;
}

Result<CeremonyReply> Custodian::begin_ceremony(CeremonyRequest request) {
  drop_expired_ceremony();
  if (ceremony_) {
    return not_now("A ceremony is going on: " + std::string(name_of(ceremony_->request().kind)) +
                   ". Finish it, or end it: gims-keyd abort-ceremony.");
  }
  const CeremonyKind kind = request.kind;
  GIMS_TRY(check_kind(kind));
  if (kind == CeremonyKind::provision) GIMS_TRY(check_new_site(request));
  if (kind == CeremonyKind::provision || kind == CeremonyKind::administrators ||
      !request.administrators.empty()) {
    GIMS_TRY(check_new_list(request.administrators));
  }
  if (!request.dev_root_key.empty() || !request.dev_recovery_secret.empty()) {
    GIMS_TRY_ASSIGN(const Vault::Info info, vault_->info());
    if (!info.software) {
      return fail(ErrorKind::forbidden, "GIMS_KEYD_REQUEST",
                  "A key can be given only to a TPM or HSM that is software: this one (" +
                      info.description + ") makes its own.");
    }
  }
  GIMS_TRY_ASSIGN(std::optional<RecoveryRecord> record, record_for(request));
  GIMS_TRY_ASSIGN(ceremony_, Ceremony::begin(std::move(request), std::move(record)));
  ceremony_end_ = clock_.steady() + Ceremony::lifetime;
  log::notice(log::id::ceremony_began, "a ceremony began", {{"CEREMONY", name_of(kind)}});
  return ceremony_->where();
}

void Custodian::abort_ceremony() {
  if (!ceremony_) return;
  log::notice(log::id::ceremony_dropped, "a ceremony was ended before its end",
              {{"CEREMONY", name_of(ceremony_->request().kind)}});
  ceremony_.reset();
}

void Custodian::drop_expired_ceremony() {
  if (ceremony_ && clock_.steady() >= ceremony_end_) abort_ceremony();
}

Result<Ceremony*> Custodian::ceremony(std::uint64_t id) {
  drop_expired_ceremony();
  if (!ceremony_ || ceremony_->id() != id) {
    return not_now("This ceremony has ended, and nothing was changed: it may take 30 minutes.");
  }
  return &*ceremony_;
}

Result<CeremonyReply> Custodian::give_share(const GiveRequest& share) {
  GIMS_TRY_ASSIGN(Ceremony* const now, ceremony(share.id));
  return now->give(share.words);
}

Result<std::string_view> Custodian::show_share(const ShareRequest& which) {
  GIMS_TRY_ASSIGN(Ceremony* const now, ceremony(which.id));
  return now->show(which);
}

Result<CeremonyReply> Custodian::confirm_share(const ConfirmRequest& share) {
  GIMS_TRY_ASSIGN(Ceremony* const now, ceremony(share.which.id));
  return now->confirm(share);
}

Result<FinishReply> Custodian::finish_ceremony(const FinishRequest& finish) {
  GIMS_TRY_ASSIGN(const Ceremony* const now, ceremony(finish.id));
  const CeremonyKind kind = now->request().kind;
  GIMS_TRY(check_kind(kind));
  if (now->stage() != CeremonyStage::ready) {
    return not_now("Not all shares were given, or typed again, yet.");
  }
  GIMS_TRY_ASSIGN(const RecoveryRecord recovery, write_end_of(*now));
  // From here on it is done, whatever comes: new shares are in force.
  ceremony_.reset();
  // What was written is what counts: read it as every later start will.
  start();
  std::string text = told(kind, recovery, open_ ? open_->ca_end : 0);
  if (state_ != State::operational) text += " gims-keyd is locked now: " + reason_;
  text.resize(cut_utf8(text, max_outcome).size());
  if (kind == CeremonyKind::provision) {
    log::notice(log::id::keys_provisioned, "provisioned",
                {{"SERVER_NAME", recovery.site.server_name}, {"CUSTODY", vault_description_}});
  } else {
    log::notice(log::id::ceremony_done, "a ceremony was finished", {{"CEREMONY", name_of(kind)}});
  }
  return FinishReply{.generation = recovery.generation,
                     .root_sha256 = sha256({recovery.site_root}),
                     .text = std::move(text)};
}

}  // namespace gims::hsm
