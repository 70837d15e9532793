#include "hsm/core/custodian.hpp"

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "base/utf8.hpp"
#include "hsm/ca/certificate.hpp"
#include "hsm/core/administrators.hpp"
#include "hsm/proto/bytes.hpp"

namespace gims::hsm {
namespace {

// Says which file a failure is about.
template <class T>
Result<T> from_file(const char* file, Result<T> result) {
  if (!result) result.error().text = std::string(file) + ": " + result.error().text;
  return result;
}

std::unexpected<Error> locked(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
}

constexpr std::chrono::seconds first_retry{5};
constexpr std::chrono::seconds last_retry{300};
constexpr std::chrono::seconds last_retry_of_removable{60};
constexpr std::chrono::seconds look_pause{5};

// What the file `zeroized` holds. Only a zeroization that the hardware itself has proved is called
// one at the next start. One that is begun stands beside the files that it is to remove.
constexpr std::string_view begun_mark = "zeroizing";
constexpr std::string_view proved_mark = "zeroized";
constexpr std::string_view doubted_mark = "files removed";
constexpr std::string_view doubt_of_zeroization =
    "The files were removed, but it was not proved that the hardware that made them destroyed its "
    "part: copies of the files may still be opened with it.";

constexpr std::string_view doubt_of_repetition =
    "An earlier zeroizing was cut off. The hardware that custody.bin names holds nothing of it "
    "now; that it is the file of that time cannot be shown any more.";

// Canonical JSON of an object starts and ends so; the server's key signs nothing else, so that a
// signature can never be taken for one over something of another kind.
bool looks_like_an_object(BytesView bytes) {
  return bytes.size() >= 2 && bytes.front() == '{' && bytes.back() == '}';
}

}  // namespace

Custodian::Custodian(StateFolder folder, std::unique_ptr<Vault> vault, const Clock& clock,
                     std::string version)
    : folder_(std::move(folder)),
      vault_(std::move(vault)),
      clock_(clock),
      version_(std::move(version)),
      started_(clock.steady()),
      pending_(clock),
      acts_(clock) {}

const Custodian::Open& Custodian::open() const {
  GIMS_CHECK(state_ == State::operational && open_.has_value());
  return *open_;
}

Custodian::Open& Custodian::open() {
  GIMS_CHECK(state_ == State::operational && open_.has_value());
  return *open_;
}

Result<> Custodian::describe_vault() {
  GIMS_TRY_ASSIGN(Vault::Info info, vault_->info());
  vault_description_ = std::move(info.description);
  return {};
}

void Custodian::lock(const Error& error) {
  // Tried again, it may fail for the same reason many times.
  if (state_ != State::locked || reason_ != error.text) {
    log::failure(log::id::keys_locked, "locked", error);
  }
  state_ = State::locked;
  reason_ = error.text;
  // An older copy is for the quorum to decide; whoever opened it need not be there once more.
  if (error.code != older_code) vault_->forget();
  if (error.code == person_code) note_wrong_key();
  if (error.code == away_code) {
    const auto last = vault_->removable() ? last_retry_of_removable : last_retry;
    retry_ = std::clamp<std::chrono::milliseconds>(retry_ * 2, first_retry, last);
    retry_at_ = clock_.steady() + retry_;
  }
}

void Custodian::start() {
  open_.reset();
  retry_at_.reset();
  const Result<> reached = describe_vault();
  const auto read = folder_.read(StateFolder::custody);
  if (!read) return lock(read.error());
  const std::optional<Bytes>& file = *read;
  if (!file) {
    const auto marker = folder_.read(StateFolder::zeroized);
    if (!marker) return lock(marker.error());
    if (*marker) {
      // What a zeroizing that was cut off had not removed yet.
      if (const auto removed = remove_rest(); !removed) return lock(removed.error());
    }
    state_ = *marker ? State::zeroized : State::unprovisioned;
    reason_.clear();
    if (*marker && !std::ranges::equal(**marker, bytes_of(proved_mark))) {
      reason_ = doubt_of_zeroization;
    }
    return;
  }
  // Hardware that is away would only be waited for once more.
  if (!reached && reached.error().code == away_code) return lock(reached.error());
  auto opened = open_site(*file);
  if (!opened && finish_zeroizing(*file)) return;
  if (!opened) return lock(opened.error());
  open_ = std::move(*opened);
  acts_.load(acts_backing());
  state_ = State::operational;
  reason_.clear();
  wrong_keys_ = 0;
  retry_ = {};
  // A zeroizing that was cut off before the hardware did its part: nothing came of it.
  static_cast<void>(folder_.destroy(StateFolder::zeroized));
  if (vault_->removable()) look_at_ = clock_.steady() + look_pause;
  warn_of_ca_end();
}

void Custodian::note_failure(const Error& error) {
  if (!open_ || error.code != away_code || !vault_->removable()) return;
  open_.reset();
  look_at_.reset();
  retry_ = {};
  lock(error);
}

void Custodian::look() {
  look_at_ = clock_.steady() + look_pause;
  if (const auto there = vault_->probe(); !there) note_failure(there.error());
}

std::optional<std::chrono::milliseconds> Custodian::next_try() const {
  auto due = open_ ? open_->freshness->due() : retry_at_;
  const auto or_sooner = [&due](const auto& at) {
    if (at && (!due || *at < *due)) due = at;
  };
  if (open_) or_sooner(look_at_);
  if (ceremony_) or_sooner(std::optional(ceremony_end_));
  if (!due) return std::nullopt;
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::ceil<std::chrono::milliseconds>(*due - clock_.steady()));
}

void Custodian::tick() {
  drop_expired_ceremony();
  const auto is_due = [now = clock_.steady()](const auto& at) { return at && *at <= now; };
  if (open_ && is_due(look_at_)) look();
  if (open_) {
    if (is_due(open_->freshness->due())) checkpoint();
    return;
  }
  if (!is_due(retry_at_)) return;
  start();
  if (state_ == State::operational) {
    log::notice(log::id::keys_open_again, "the hardware is back: operational");
  }
}

Result<Custodian::Open> Custodian::open_custody(BytesView file) {
  constexpr auto name = StateFolder::custody;
  Open open;
  GIMS_TRY_ASSIGN(open.record, from_file(name, decode_custody(file)));
  if (open.record.vault_kind != vault_->kind()) {
    return locked("custody.bin was made with another kind of hardware than is configured.");
  }
  GIMS_TRY_ASSIGN(Vault::Opened opened, vault_->open(open.record.vault_blob));
  open.root_key = std::move(opened.root_key);
  open.ca_public = opened.ca_public;
  if (opened.server_public) open.server_key = server_key_in_hardware(*opened.server_public);
  GIMS_TRY(from_file(name, check_custody(file, open.root_key)));
  GIMS_TRY_ASSIGN(open.ca_end, from_file(name, end_of(open.record.issuing_ca)));
  GIMS_TRY_ASSIGN(open.administrators, from_file(name, registry_of(open.record.administrators)));
  return open;
}

Result<Custodian::Open> Custodian::open_site(BytesView file) {
  constexpr auto name = StateFolder::custody;
  GIMS_TRY_ASSIGN(Open open, open_custody(file));
  GIMS_TRY_ASSIGN(const SecretBytes wrapping, derive(open.root_key, Purpose::wrapping));
  // The seed is there also where the hardware has a key of its own: for a unit that has none.
  GIMS_TRY_ASSIGN(const SecretBytes seed,
                  from_file(name, unwrap(wrapping, server_seed_label, open.record.server_seed)));
  if (open.server_key.published.key_id.empty()) {
    GIMS_TRY_ASSIGN(open.server_key, server_key_from_seed(seed));
  }

  GIMS_TRY_ASSIGN(const SecretBytes hardware, derive(open.root_key, Purpose::hardware));
  GIMS_TRY(vault_->settle(open.record.vault_blob, hardware));
  GIMS_TRY_ASSIGN(open.freshness, Freshness::resume(backing(open)));
  keep_recovery_copy(open.record.recovery);
  return open;
}

Freshness::Backing Custodian::backing(const Open& open) {
  return {.folder = &folder_,
          .vault = vault_.get(),
          .clock = &clock_,
          .vault_blob = open.record.vault_blob,
          .custody_number = open.record.number,
          .root_key = &open.root_key};
}

StatusReply Custodian::status() const {
  StatusReply status;
  status.state = state_;
  status.custody = vault_description_;
  status.reason = reason_.substr(0, max_text);
  if (state_ == State::operational) {
    status.organisation = open_->record.site.organisation;
    status.server_name = open_->record.site.server_name;
    status.issuing_ca_end = open_->ca_end;
  }
  status.uptime_seconds = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(clock_.steady() - started_).count());
  status.version = version_;
  return status;
}

std::string Custodian::summary() const {
  std::string line(name_of(state_));
  if (!reason_.empty()) line += ": " + reason_;
  if (open_ && open_->ca_end - now() <= issuing_end_warning) {
    line += "; the issuing CA ends on " + date_of(open_->ca_end);
  }
  if (ceremony_) {
    line += "; a ceremony is going on: " + std::string(name_of(ceremony_->request().kind));
  }
  return line;
}

Result<> Custodian::unlock() {
  GIMS_CHECK(state_ == State::locked);
  start();
  if (state_ == State::locked) return locked(reason_);
  return {};
}

Result<std::string> Custodian::destroy_in_vault(bool begun_before) {
  constexpr auto name = StateFolder::custody;
  const bool proved_before = is_marked(proved_mark);
  Bytes blob;
  SecretBytes hardware;
  std::string doubt;
  if (state_ == State::operational) {
    blob = open_->record.vault_blob;
    GIMS_TRY_ASSIGN(hardware, derive(open_->root_key, Purpose::hardware));
  } else {
    GIMS_TRY_ASSIGN(const std::optional<Bytes> file, folder_.read(name));
    if (!file && proved_before) return doubt;
    if (!file) return locked("custody.bin is missing.");
    // Only a file that opens is known to name the hardware that it was made with.
    auto opened = open_custody(*file);
    if (opened) {
      GIMS_TRY_ASSIGN(hardware, derive(opened->root_key, Purpose::hardware));
    } else {
      if (opened.error().code == away_code) return pass(std::move(opened));
      doubt =
          "What opens custody.bin was destroyed in this hardware, which the file names, but the "
          "file did not open with it before (" +
          opened.error().text + ").";
    }
    GIMS_TRY_ASSIGN(CustodyRecord record, from_file(name, decode_custody(*file)));
    if (record.vault_kind != vault_->kind()) {
      return locked("custody.bin was made with another kind of hardware than is configured.");
    }
    blob = std::move(record.vault_blob);
  }
  GIMS_TRY_ASSIGN(const Vault::Destruction destruction,
                  vault_->destroy(blob, hardware.empty() ? nullptr : &hardware));
  if (destruction == Vault::Destruction::done) return doubt;
  if (proved_before) return std::string();
  if (begun_before) {
    return std::string(doubt_of_repetition);
  }
  return locked(
      "This is the hardware that custody.bin names, and it does not hold what opens that file: it "
      "was destroyed before, or the file was changed.");
}

Result<ZeroizeReply> Custodian::zeroize(const ZeroizeRequest& request) {
  GIMS_CHECK(state_ == State::locked || state_ == State::operational);
  const auto marker = folder_.read(StateFolder::zeroized);
  const bool fresh = marker && !*marker;
  const bool begun_before = is_marked(begun_mark);
  // So that what is cut off is finished at the next start. A disk that is full or gone does not
  // keep the keys.
  if (fresh) static_cast<void>(folder_.write(StateFolder::zeroized, bytes_of(begun_mark)));
  // The vault before the files: after it they are worth nothing, and if it fails nothing has
  // changed.
  auto destroyed = destroy_in_vault(begun_before);
  if (!destroyed && !request.files_only) {
    // Hardware that broke off may have done its part: the mark stays, and the next start finds out.
    const bool unknown = destroyed.error().code == away_code;
    if (fresh && !unknown) static_cast<void>(folder_.destroy(StateFolder::zeroized));
    destroyed.error().text +=
        unknown ? " Whether it did its part is not known: do it again, or start gims-keyd anew."
                : " Nothing was changed: put back the hardware and the files that belong together, "
                  "or say that the files alone are to be removed.";
    return pass(std::move(destroyed));
  }
  ZeroizeReply reply;
  reply.doubt = destroyed ? std::move(*destroyed)
                          : destroyed.error().text +
                                " Copies of the files can still be opened with the hardware that "
                                "made them, if it was not cleared.";
  reply.doubt.resize(cut_utf8(reply.doubt, max_text).size());
  GIMS_TRY(end_of_site(reply.doubt));
  return reply;
}

bool Custodian::finish_zeroizing(BytesView file) {
  const bool proved = is_marked(proved_mark);
  const auto record = decode_custody(file);
  if (!record || record->vault_kind != vault_->kind()) return false;
  if (!proved && !is_marked(begun_mark)) return false;
  const auto held = vault_->holds(record->vault_blob);
  if (!held || *held) return false;
  // Of two vaults the other may still have its part.
  if (!vault_->destroy(record->vault_blob, nullptr)) return false;
  if (const auto ended = end_of_site(proved ? "" : doubt_of_repetition); !ended) {
    lock(ended.error());
  }
  return true;
}

Result<> Custodian::end_of_site(std::string_view doubt) {
  open_.reset();
  ceremony_.reset();
  retry_at_.reset();
  state_ = State::locked;
  reason_ = "The site was zeroized; its files could not all be removed.";
  // The journal has what was decided here; the audit log cannot be read any more.
  pending_.clear();
  acts_.clear();
  GIMS_TRY(
      folder_.write(StateFolder::zeroized, bytes_of(doubt.empty() ? proved_mark : doubted_mark)));
  GIMS_TRY(folder_.destroy(StateFolder::custody));
  GIMS_TRY(remove_rest());
  state_ = State::zeroized;
  if (doubt.empty()) {
    reason_.clear();
    log::notice(log::id::keys_zeroized, "zeroized");
  } else {
    reason_ = doubt_of_zeroization;
    log::warning(log::id::keys_maybe_left, "zeroized, in doubt", {{"ERROR", doubt}});
  }
  return {};
}

bool Custodian::is_marked(std::string_view mark) const {
  const auto marker = folder_.read(StateFolder::zeroized);
  return marker && *marker && std::ranges::equal(**marker, bytes_of(mark));
}

Result<> Custodian::remove_rest() const {
  GIMS_TRY(folder_.destroy(StateFolder::state));
  return folder_.destroy(StateFolder::acts);
}

Result<DataKeys> Custodian::data_keys() const { return derive_data_keys(open().root_key); }

Result<VolumeKey> Custodian::volume_key() const {
  VolumeKey volume;
  GIMS_TRY_ASSIGN(volume.key, derive_volume_key(open().root_key));
  return volume;
}

const ServerKeyReply& Custodian::server_key() const { return open().server_key.published; }

Result<std::vector<Signature>> Custodian::sign_events(std::span<const BytesView> events) const {
  const Open& keys = open();
  if (!std::ranges::all_of(events, looks_like_an_object)) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                "Only canonical JSON of an object is signed.");
  }
  if (keys.server_key.secret.empty()) {
    return vault_->sign_events(keys.record.vault_blob, events);
  }
  std::vector<Signature> signatures;
  for (const BytesView event : events) signatures.push_back(sign_with(keys.server_key, event));
  return signatures;
}

Result<> Custodian::extend_audit(const AuditHead& head) {
  return open().freshness->extend_audit(backing(open()), head);
}

const AuditHead& Custodian::audit_head() const { return open().freshness->audit_head(); }

Result<> Custodian::mark_store(const StoreMark& mark) {
  auto marked = open().freshness->mark_store(backing(open()), mark);
  if (!marked && marked.error().code == older_code) {
    open_.reset();
    lock(marked.error());
  }
  return marked;
}

void Custodian::stop() {
  if (open_) checkpoint();
}

void Custodian::checkpoint() {
  if (const auto kept = open_->freshness->checkpoint(backing(*open_)); !kept) {
    log::failure(log::id::counter_not_advanced, "the counter was not advanced", kept.error());
    note_failure(kept.error());
  }
}

}  // namespace gims::hsm
