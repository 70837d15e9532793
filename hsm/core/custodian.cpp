#include "hsm/core/custodian.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "hsm/ca/certificate.hpp"
#include "hsm/ca/p256.hpp"
#include "hsm/ca/site.hpp"

namespace gims::hsm {
namespace {

constexpr std::string_view server_seed_label = "gims server signing seed 1";
constexpr std::string_view site_root_label = "gims site root key 1";

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

// What the file `zeroized` holds. Only a zeroization that the hardware itself has proved is called
// one at the next start.
constexpr std::string_view proved_mark = "zeroized";
constexpr std::string_view doubted_mark = "files removed";
constexpr std::string_view doubt_of_zeroization =
    "The files were removed, but it was not proved that the hardware that made them destroyed its "
    "part: copies of the files may still be opened with it.";

BytesView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

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
      started_(clock.steady()) {}

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
  if (error.code == away_code) {
    retry_ = std::clamp<std::chrono::milliseconds>(retry_ * 2, first_retry, last_retry);
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
  if (!opened) return lock(opened.error());
  open_ = std::move(*opened);
  state_ = State::operational;
  reason_.clear();
  retry_ = {};
  warn_of_ca_end();
}

std::optional<std::chrono::milliseconds> Custodian::next_try() const {
  if (state_ != State::locked || !retry_at_) return std::nullopt;
  return std::max(std::chrono::milliseconds(0),
                  std::chrono::ceil<std::chrono::milliseconds>(*retry_at_ - clock_.steady()));
}

void Custodian::tick() {
  if (const auto due = next_try(); !due || due->count() > 0) return;
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
  GIMS_TRY(from_file(name, check_custody(file, open.root_key)));
  GIMS_TRY_ASSIGN(open.ca_end, from_file(name, end_of(open.record.issuing_ca)));
  return open;
}

Result<Custodian::Open> Custodian::open_site(BytesView file) {
  constexpr auto name = StateFolder::custody;
  GIMS_TRY_ASSIGN(Open open, open_custody(file));
  GIMS_TRY_ASSIGN(const SecretBytes wrapping, derive(open.root_key, Purpose::wrapping));
  GIMS_TRY_ASSIGN(const SecretBytes seed,
                  from_file(name, unwrap(wrapping, server_seed_label, open.record.server_seed)));
  GIMS_TRY_ASSIGN(open.server_key, server_key_from_seed(seed));

  GIMS_TRY_ASSIGN(const SecretBytes hardware, derive(open.root_key, Purpose::hardware));
  GIMS_TRY(vault_->settle(open.record.vault_blob, hardware));

  GIMS_TRY_ASSIGN(const std::optional<Bytes> audit, folder_.read(StateFolder::audit));
  if (!audit) return locked("audit.bin is missing: it was removed after provisioning.");
  GIMS_TRY_ASSIGN(open.audit_head,
                  from_file(StateFolder::audit, decode_audit(*audit, open.root_key)));
  return open;
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
  return line;
}

Result<CustodyRecord> Custodian::make_record(const SiteParameters& site,
                                             const Vault::Sealed& sealed,
                                             const SecretBytes& root_key) const {
  CustodyRecord record;
  record.made_at = now();
  record.vault_kind = vault_->kind();
  record.vault_blob = sealed.blob;
  record.site = site;

  GIMS_TRY_ASSIGN(const SecretBytes wrapping, derive(root_key, Purpose::wrapping));
  GIMS_TRY_ASSIGN(const SecretBytes seed, SecretBytes::random(crypto_sign_SEEDBYTES));
  record.server_seed = wrap(wrapping, server_seed_label, seed);

  GIMS_TRY_ASSIGN(const P256Key root, generate_p256());
  record.site_root_key = wrap(wrapping, site_root_label, root.scalar);
  const Signer by_root = [&root](const Digest& digest) { return p256_sign(root, digest); };
  GIMS_TRY_ASSIGN(record.site_root, make_root(site, root.public_key, record.made_at, by_root));
  GIMS_TRY_ASSIGN(record.issuing_ca, make_issuing_ca(site, root.public_key, sealed.ca_public,
                                                     record.made_at, by_root));
  return record;
}

Result<> Custodian::write_new(const ProvisionRequest& request, const SecretBytes& root_key) {
  GIMS_TRY_ASSIGN(const SecretBytes hardware, derive(root_key, Purpose::hardware));
  GIMS_TRY_ASSIGN(const Vault::Sealed sealed,
                  vault_->provision(root_key, hardware, request.replace));
  // From here on a failure leaves the vault as it was for a new site: empty.
  const auto written = [&]() -> Result<> {
    GIMS_TRY_ASSIGN(const CustodyRecord record, make_record(request.site, sealed, root_key));
    GIMS_TRY_ASSIGN(const Bytes custody, encode_custody(record, root_key));
    GIMS_TRY_ASSIGN(const Bytes audit, encode_audit(AuditHead{}, root_key));
    GIMS_TRY(folder_.destroy(StateFolder::zeroized));
    GIMS_TRY(folder_.write(StateFolder::audit, audit));
    // Last: with it the site is provisioned.
    return folder_.write(StateFolder::custody, custody);
  }();
  if (!written) {
    if (const auto undone = vault_->destroy(sealed.blob, &hardware); !undone) {
      log::failure(log::id::keys_left_behind,
                   "the keys of a provisioning that failed stay in the hardware", undone.error());
    }
  }
  return written;
}

Result<> Custodian::provision(const ProvisionRequest& request) {
  GIMS_CHECK(state_ == State::unprovisioned || state_ == State::zeroized);
  GIMS_TRY(check_site(request.site));
  SecretBytes root_key;
  if (request.dev_root_key.empty()) {
    GIMS_TRY_ASSIGN(root_key, SecretBytes::random(key_size));
  } else {
    GIMS_TRY_ASSIGN(const Vault::Info info, vault_->info());
    if (!info.software) {
      return fail(ErrorKind::forbidden, "GIMS_KEYD_REQUEST",
                  "A root key can be given only to a software TPM: this one (" + info.description +
                      ") makes its own.");
    }
    GIMS_TRY_ASSIGN(root_key, request.dev_root_key.clone());
  }
  GIMS_TRY(write_new(request, root_key));
  // What was written is what counts: read it as every later start will.
  start();
  if (state_ != State::operational) return locked(reason_);
  log::notice(log::id::keys_provisioned, "provisioned",
              {{"SERVER_NAME", request.site.server_name}, {"CUSTODY", vault_description_}});
  return {};
}

Result<> Custodian::unlock() {
  GIMS_CHECK(state_ == State::locked);
  start();
  if (state_ == State::locked) return locked(reason_);
  return {};
}

Result<std::string> Custodian::destroy_in_vault() {
  constexpr auto name = StateFolder::custody;
  GIMS_TRY_ASSIGN(const std::optional<Bytes> marker, folder_.read(StateFolder::zeroized));
  const bool proved_before = marker && std::ranges::equal(*marker, bytes_of(proved_mark));
  Bytes blob;
  std::string doubt;
  if (state_ == State::operational) {
    blob = open_->record.vault_blob;
  } else {
    GIMS_TRY_ASSIGN(const std::optional<Bytes> file, folder_.read(name));
    if (!file && proved_before) return doubt;
    if (!file) return locked("custody.bin is missing.");
    // Only a file that opens is known to name the hardware that it was made with.
    if (auto opened = open_custody(*file); !opened) {
      if (opened.error().code == away_code) return pass(std::move(opened));
      doubt =
          "What opens custody.bin was destroyed in this TPM, which the file names, but the file "
          "did not open with it before (" +
          opened.error().text + ").";
    }
    GIMS_TRY_ASSIGN(CustodyRecord record, from_file(name, decode_custody(*file)));
    if (record.vault_kind != vault_->kind()) {
      return locked("custody.bin was made with another kind of hardware than is configured.");
    }
    blob = std::move(record.vault_blob);
  }
  SecretBytes hardware;
  if (state_ == State::operational) {
    GIMS_TRY_ASSIGN(hardware, derive(open_->root_key, Purpose::hardware));
  }
  GIMS_TRY_ASSIGN(const Vault::Destruction destruction,
                  vault_->destroy(blob, hardware.empty() ? nullptr : &hardware));
  if (destruction == Vault::Destruction::done) return doubt;
  if (proved_before) return std::string();
  return locked(
      "This is the TPM that custody.bin names, and it does not hold what opens that file: it was "
      "destroyed before, or the file was changed.");
}

Result<ZeroizeReply> Custodian::zeroize(const ZeroizeRequest& request) {
  GIMS_CHECK(state_ == State::locked || state_ == State::operational);
  // The vault first: after it the files are worth nothing, and if it fails nothing has changed.
  auto destroyed = destroy_in_vault();
  if (!destroyed && !request.files_only) {
    destroyed.error().text +=
        " Nothing was changed: put back the TPM and the files that belong together, or say that "
        "the "
        "files alone are to be removed.";
    return pass(std::move(destroyed));
  }
  ZeroizeReply reply;
  reply.doubt = destroyed ? std::move(*destroyed)
                          : destroyed.error().text +
                                " Copies of the files can still be opened with the TPM that made "
                                "them, if it was not cleared.";
  reply.doubt.resize(std::min(reply.doubt.size(), max_text));
  open_.reset();
  retry_at_.reset();
  state_ = State::locked;
  reason_ = "The site was zeroized; its files could not all be removed.";
  GIMS_TRY(folder_.write(StateFolder::zeroized,
                         bytes_of(reply.doubt.empty() ? proved_mark : doubted_mark)));
  GIMS_TRY(folder_.destroy(StateFolder::custody));
  GIMS_TRY(folder_.destroy(StateFolder::audit));
  state_ = State::zeroized;
  if (reply.doubt.empty()) {
    reason_.clear();
    log::notice(log::id::keys_zeroized, "zeroized");
  } else {
    reason_ = doubt_of_zeroization;
    log::warning(log::id::keys_maybe_left, "zeroized, in doubt", {{"ERROR", reply.doubt}});
  }
  return reply;
}

void Custodian::warn_of_ca_end() const {
  if (open_->ca_end - now() > issuing_end_warning) return;
  log::warning(log::id::issuing_ca_ends, "the issuing CA ends soon: no TLS certificate after it",
               {{"END", date_of(open_->ca_end)}});
}

Result<LeafReply> Custodian::sign_leaf(const LeafRequest& request) {
  const Open& keys = open();
  GIMS_TRY_ASSIGN(const P256Point leaf_key, point_of_spki(request.public_key));
  if (request.lifetime_seconds < least_leaf_lifetime ||
      request.lifetime_seconds > most_leaf_lifetime) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                "The lifetime of a leaf must be 60 to 86400 seconds.");
  }
  warn_of_ca_end();
  if (keys.ca_end - now() < least_leaf_lifetime) {
    return locked("The issuing CA ended on " + date_of(keys.ca_end) +
                  ": no certificate can be made under it. See the clock; if it is right, the site "
                  "has to be provisioned anew.");
  }
  LeafReply leaf;
  leaf.not_before = now() - clock_slack;
  leaf.not_after = std::min(now() + request.lifetime_seconds, keys.ca_end);
  const Signer by_vault = [&](const Digest& digest) {
    return vault_->sign(keys.record.vault_blob, digest);
  };
  GIMS_TRY_ASSIGN(Bytes certificate, make_leaf(keys.record.site, keys.ca_public, leaf_key,
                                               leaf.not_before, leaf.not_after, by_vault));
  leaf.chain.push_back(std::move(certificate));
  leaf.chain.push_back(keys.record.issuing_ca);
  return leaf;
}

SiteRootReply Custodian::site_root() const {
  SiteRootReply root;
  root.certificate = open().record.site_root;
  root.pem = certificate_to_pem(root.certificate);
  crypto_hash_sha256(root.sha256.data(), root.certificate.data(), root.certificate.size());
  return root;
}

Result<DataKeys> Custodian::data_keys() const { return derive_data_keys(open().root_key); }

const ServerKeyReply& Custodian::server_key() const { return open().server_key.published; }

Result<std::vector<Signature>> Custodian::sign_events(std::span<const BytesView> events) const {
  const Open& keys = open();
  std::vector<Signature> signatures;
  for (const BytesView event : events) {
    if (!looks_like_an_object(event)) {
      return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                  "Only canonical JSON of an object is signed.");
    }
    signatures.push_back(sign_with(keys.server_key, event));
  }
  return signatures;
}

Result<> Custodian::extend_audit(const AuditHead& head) {
  Open& keys = open();
  if (head == keys.audit_head) return {};
  if (head.sequence <= keys.audit_head.sequence) {
    return fail(ErrorKind::conflict, "GIMS_KEYD_AUDIT",
                "The audit log's head is entry " + std::to_string(keys.audit_head.sequence) +
                    "; entry " + std::to_string(head.sequence) + " cannot follow it.");
  }
  GIMS_TRY_ASSIGN(const Bytes file, encode_audit(head, keys.root_key));
  GIMS_TRY(folder_.write(StateFolder::audit, file));
  keys.audit_head = head;
  return {};
}

const AuditHead& Custodian::audit_head() const { return open().audit_head; }

}  // namespace gims::hsm
