// The custodian of the site's keys: its state, and what it does in each.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "hsm/approval/pending.hpp"
#include "hsm/approval/registry.hpp"
#include "hsm/core/act_log.hpp"
#include "hsm/core/ceremony.hpp"
#include "hsm/core/custody_file.hpp"
#include "hsm/core/event_logs.hpp"
#include "hsm/core/freshness.hpp"
#include "hsm/core/keys.hpp"
#include "hsm/core/vault.hpp"
#include "hsm/proto/approval_messages.hpp"
#include "hsm/proto/attest_messages.hpp"
#include "hsm/proto/ceremony_messages.hpp"
#include "hsm/proto/device_messages.hpp"
#include "hsm/proto/messages.hpp"
#include "hsm/proto/service_messages.hpp"

namespace gims::hsm {

// Which request is allowed in which state is not decided here but in the table of dispatch.hpp;
// calling one in another state is a bug. Thread: one.
class Custodian {
 public:
  // `clock` outlives it.
  Custodian(StateFolder folder, std::unique_ptr<Vault> vault, const Clock& clock,
            std::string version);

  // Finds the state that the folder and the vault are in. Whatever keeps the keys away ends in
  // State::locked, with the reason in status().
  void start();
  // Where that reason may pass by itself (the hardware is away), tick() tries again: 5 s later,
  // then twice as long after each further time, up to 5 minutes, or to one for hardware that can be
  // unplugged. While operational, it looks every 5 s whether such hardware is there, and locks when
  // it is not. Gives in how long tick() is due; nothing: it is not.
  [[nodiscard]] std::optional<std::chrono::milliseconds> next_try() const;
  void tick();

  // Of a request that was served: locks, and wipes every key, when hardware that can be unplugged
  // was away.
  void note_failure(const Error& error);

  [[nodiscard]] State state() const noexcept { return state_; }
  [[nodiscard]] StatusReply status() const;
  // The state, and what an administrator should know of it, in one line.
  [[nodiscard]] std::string summary() const;

  // locked: as start(), and says why it failed.
  [[nodiscard]] Result<> unlock();
  // Attended sites (custodian_attendance.cpp; attended_vault.hpp): who is needed to open the keys;
  // locked, operational.
  [[nodiscard]] Result<PersonsReply> persons() const;
  // locked: as unlock(), with a person's key, which is good for this one try. After three wrong
  // ones in a row, whoever's, the next is taken a minute later, then twice as long after each
  // further one, up to 15 minutes; until then each is refused (GIMS_KEYD_CUSTODY), the right one
  // too.
  [[nodiscard]] Result<> unlock_with(PersonKey key);
  // operational: what two administrators approved, on the disk before it returns. Operational stays
  // what is.
  [[nodiscard]] Result<> add_person(AddPersonRequest request);
  // locked, operational. Unless the files alone are to go, it fails with nothing changed where the
  // hardware that made the custody file did not destroy its part, or cannot be told from another.
  [[nodiscard]] Result<ZeroizeReply> zeroize(const ZeroizeRequest& request);

  // operational (custodian_certificates.cpp). What is certified does not outlive its issuing CA:
  [[nodiscard]] Result<LeafReply> sign_leaf(const LeafRequest& request);
  [[nodiscard]] Result<DeviceReply> certify_device(const DeviceRequest& request);
  // On the disk before it returns. One that was revoked before is no failure.
  [[nodiscard]] Result<> revoke_device(const RevokeRequest& request);
  // Has the hardware sign the list of an issuing CA where the one of before is half over.
  [[nodiscard]] Result<CrlReply> crl(const CrlRequest& request);
  [[nodiscard]] SiteRootReply site_root() const;

  // Of the services around the daemons.
  [[nodiscard]] Result<ServiceReply> certify_service(const ServiceRequest& request);
  [[nodiscard]] Result<RelaySecret> relay_secret() const;
  [[nodiscard]] Result<WifiPassphrase> wifi_passphrase(const WifiRequest& request) const;
  [[nodiscard]] IssuingCas issuing_cas() const;

  // operational:
  [[nodiscard]] Result<DataKeys> data_keys() const;
  [[nodiscard]] Result<VolumeKey> volume_key() const;
  [[nodiscard]] const ServerKeyReply& server_key() const;
  [[nodiscard]] Result<std::vector<Signature>> sign_events(std::span<const BytesView> events) const;
  [[nodiscard]] Result<> extend_audit(const AuditHead& head);
  [[nodiscard]] const AuditHead& audit_head() const;
  // How far gimsd's database is. Less than was marked, or an audit log that ends before its head:
  // an older copy of it was put back; the custodian locks, with older_code, until the recovery
  // quorum decides.
  [[nodiscard]] Result<> mark_store(const StoreMark& mark);

  // Ceremonies (ceremony.hpp), in any state: which kind in which is checked here (GIMS_KEYD_STATE).
  // Nothing is written before finish_ceremony(), after which start() has read what was written. A
  // failure there leaves what was, and the ceremony can be finished again; what the power cuts off
  // is finished by another ceremony.
  [[nodiscard]] Result<CeremonyReply> begin_ceremony(CeremonyRequest request);
  [[nodiscard]] Result<CeremonyReply> give_share(const GiveRequest& share);
  // Valid until the next call.
  [[nodiscard]] Result<std::string_view> show_share(const ShareRequest& which);
  [[nodiscard]] Result<CeremonyReply> confirm_share(const ConfirmRequest& share);
  [[nodiscard]] Result<FinishReply> finish_ceremony(const FinishRequest& finish);
  void abort_ceremony();
  // locked, operational, zeroized:
  [[nodiscard]] Result<RecoveryFileReply> recovery_file() const;
  // Two persons (custodian_approvals.cpp): what they are to decide waits in memory, for ten
  // minutes. locked, operational; while locked they can decide to zeroize alone.
  [[nodiscard]] Result<ProposalReply> propose(const ProposeRequest& request);
  // At the second yes it is done, once, also where doing it fails.
  [[nodiscard]] Result<ApproveReply> approve(const ApproveRequest& request);
  [[nodiscard]] Result<std::vector<ProposalReply>> proposals();
  [[nodiscard]] Result<> withdraw(const WithdrawRequest& request);
  [[nodiscard]] Result<AdministratorsReply> administrators() const;
  // operational: what gimsd carries out is handed to it once.
  [[nodiscard]] Result<RedeemReply> redeem(const RedeemRequest& request);
  // operational: what belongs into the audit log.
  [[nodiscard]] ActsReply acts(const ActsRequest& request);

  // Before the end of the process: what was written last is made the newest there is.
  void stop();

  // What the hardware states of itself (custodian_attest.cpp); operational. Fails
  // (GIMS_KEYD_CUSTODY) with hardware that states nothing.
  [[nodiscard]] Result<AttestReply> attest(const AttestRequest& request);
  [[nodiscard]] Result<SecretBytes> activate(const ActivateRequest& request);
  [[nodiscard]] Result<AuditCertificate> certify_audit();
  // Tells the hardware which release runs, so that it opens the keys to no older one; operational.
  [[nodiscard]] Result<ReleaseReply> raise_release();
  // Before start(); without, there are none.
  void use(EventLogs logs) noexcept { event_logs_ = std::move(logs); }
  [[nodiscard]] Result<EventLogReply> event_log(const EventLogRequest& request) const;

 private:
  // All that is there once the vault has opened the custody file.
  struct Open {
    SecretBytes root_key;
    CustodyRecord record;
    P256Point ca_public{};
    std::int64_t ca_end = 0;  // of the issuing CA's certificate; seconds since 1970 UTC
    ServerKey server_key;
    std::optional<Freshness> freshness;
    // The lists of devices by their CA's certificate.
    struct DeviceList {
      Bytes crl;  // empty: it is to be made anew
      std::int64_t made_at = 0;
      std::uint64_t number = 0;
    };
    std::map<Bytes, DeviceList> device_lists;
    // Asked of the hardware once: it takes long and never changes.
    std::optional<Attestor::Identity> identity;
    approval::Registry administrators;
  };
  Result<Open> open_site(BytesView file);
  // The first half of it: the vault and the custody file alone.
  Result<Open> open_custody(BytesView file);
  void lock(const Error& error);
  // Looks whether hardware that can be unplugged is there.
  void look();
  [[nodiscard]] Result<Attendance*> attendance() const;
  Result<> add_attendant(AddPersonRequest request);
  Result<> remove_attendant(const std::string& name);
  Result<> write_blob(Bytes blob);
  void note_wrong_key();
  // What zeroize() has the vault do; gives the doubt of ZeroizeReply.
  Result<std::string> destroy_in_vault(bool begun_before);
  // Where a zeroizing was cut off after the hardware had done its part: does the rest. False: that
  // is not what keeps the site closed.
  bool finish_zeroizing(BytesView file);
  // The files, once the hardware has done its part, or cannot.
  Result<> end_of_site(std::string_view doubt);
  // Whether the file `zeroized` holds this; not where it cannot be read.
  [[nodiscard]] bool is_marked(std::string_view mark) const;
  // Those that say nothing without custody.bin.
  Result<> remove_rest() const;
  // Whose certificates are good: the one in use, then those of before.
  struct IssuingCa {
    BytesView blob;  // these two are of the record that is open
    const Bytes* certificate = nullptr;
  };
  [[nodiscard]] std::vector<IssuingCa> good_cas() const;
  void warn_of_ca_end() const;
  Result<> check_ca_end(std::int64_t least_lifetime) const;
  // Makes recovery.bin what custody.bin has of it. A failure is told in the journal alone.
  void keep_recovery_copy(BytesView recovery) const;

  // custodian_ceremonies.cpp:
  [[nodiscard]] Result<> check_kind(CeremonyKind kind) const;
  Result<> check_new_site(const CeremonyRequest& request) const;
  // The recovery file that the quorum opens; nothing for a new site.
  Result<std::optional<RecoveryRecord>> record_for(const CeremonyRequest& request);
  Result<RecoveryRecord> record_to_restore(const Bytes& given) const;
  void drop_expired_ceremony();
  Result<Ceremony*> ceremony(std::uint64_t id);

  // custodian_ends.cpp:
  // Each gives the recovery file that is in force.
  Result<RecoveryRecord> write_end_of(const Ceremony& ceremony);
  Result<RecoveryRecord> finish_provision(const Ceremony& ceremony);
  Result<RecoveryRecord> finish_reshare(const Ceremony& ceremony);
  Result<RecoveryRecord> finish_restore(const Ceremony& ceremony);
  Result<RecoveryRecord> finish_accept(const Ceremony& ceremony);
  Result<RecoveryRecord> finish_renew_ca(const Ceremony& ceremony);
  Result<RecoveryRecord> finish_administrators(const Ceremony& ceremony);
  Result<CustodyRecord> new_record(const SiteParameters& site, const Vault::Sealed& sealed,
                                   const Envelope& envelope) const;
  // Puts the issuing CA in use among those of before.
  Result<> keep_former(CustodyRecord& custody) const;
  // Signs the vault's CA key, and the list of what is revoked.
  Result<> certify(CustodyRecord& custody, RecoveryRecord& recovery, const SecretBytes& site_root,
                   const P256Point& ca_key) const;
  Result<> seal_into(CustodyRecord& custody, RecoveryRecord& recovery, const SecretBytes& secret,
                     const Envelope& envelope) const;
  Result<> write_custody(const CustodyRecord& custody, const SecretBytes& root_key) const;
  // What an earlier custody.bin and state.bin tell of the site with this root key.
  struct Former {
    std::uint64_t number = 0;  // the highest that its custody.bin had
    std::optional<CustodyRecord> custody;
    std::optional<RecoveryRecord> recovery;
  };
  Result<Former> former_of(const SecretBytes& root_key) const;
  // Of a site that is restored.
  static Bytes administrators_after(const CeremonyRequest& request, const Former& former);
  struct Placed {
    Vault::Sealed sealed;
    bool anew = false;  // not beside the keys that were there
  };
  Result<Placed> place(const SecretBytes& root_key, const SecretBytes& hardware, bool replace,
                       const Former& former);
  void take_back(const Vault::Sealed& sealed, const SecretBytes& hardware);

  // custodian_approvals.cpp:
  struct Deciders {
    approval::Registry registry;
    Digest site{};  // in whose name they decide: a yes is for one site
  };
  // Of a locked site, what custody.bin says, which nothing proves then.
  Result<Deciders> deciders() const;
  Result<> check_decidable(Action action) const;
  const approval::Proposal* pending(std::uint32_t id);
  ProposalReply reply_of(const approval::Proposal& proposal,
                         const approval::Registry& registry) const;
  Result<std::string> carry_out(const approval::Proposal& proposal);
  // What two approved, which somebody else carries out now, exactly so: once.
  Result<approval::Proposal> take_approved(std::uint32_t id, Action action, BytesView body);
  Result<std::string> remove_person(BytesView body);
  Result<std::string> change_administrators(BytesView body);
  void keep_counters(const approval::Registry& registry);
  Result<> write_administrators(approval::Registry registry);
  // Into the journal, and for the audit log.
  void note(std::string_view act, const approval::Proposal& proposal, std::string actor,
            std::string text);
  ActLog::Backing acts_backing() const;

  Result<> describe_vault();
  [[nodiscard]] Freshness::Backing backing(const Open& open);
  void checkpoint();
  Result<Attestor*> attestor();
  Result<const Attestor::Identity*> identity(const SecretBytes& hardware_secret);
  [[nodiscard]] std::int64_t now() const { return clock_.now_ms() / 1000; }
  [[nodiscard]] const Open& open() const;
  [[nodiscard]] Open& open();

  StateFolder folder_;
  std::unique_ptr<Vault> vault_;
  const Clock& clock_;
  const std::string version_;
  const std::chrono::steady_clock::time_point started_;
  EventLogs event_logs_;

  State state_ = State::locked;
  std::string reason_ = "gims-keyd has not looked yet.";
  std::string vault_description_;
  std::optional<Open> open_;
  approval::Pending pending_;
  ActLog acts_;
  std::optional<Ceremony> ceremony_;
  std::chrono::steady_clock::time_point ceremony_end_;
  std::chrono::milliseconds retry_{0};
  std::optional<std::chrono::steady_clock::time_point> retry_at_;
  std::optional<std::chrono::steady_clock::time_point> look_at_;  // at removable hardware
  unsigned wrong_keys_ = 0;                                       // of persons, in a row
  std::chrono::steady_clock::time_point next_key_;
};

}  // namespace gims::hsm
