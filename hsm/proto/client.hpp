// The client of gims-keyd.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "hsm/proto/approval_messages.hpp"
#include "hsm/proto/attendance_messages.hpp"
#include "hsm/proto/attest_messages.hpp"
#include "hsm/proto/caller.hpp"
#include "hsm/proto/ceremony_messages.hpp"
#include "hsm/proto/device_messages.hpp"
#include "hsm/proto/messages.hpp"
#include "hsm/proto/service_messages.hpp"
#include "hsm/proto/unit_messages.hpp"

namespace gims::hsm {

// One connection to gims-keyd. Each call blocks until the answer or the time limit; a call that
// fails for the connection's sake drops it, and the next call connects again. A call is sent once:
// whether to try again is the caller's to say.
//
// Errors: a refusal has the code of RefusalCode (messages.hpp) and its text; no connection or no
// answer in time is `unavailable` with the code GIMS_KEYD_GONE.
// Thread: any; calls of several threads wait for one another.
class Client {
 public:
  // gims-keyd may be busy with its TPM for as long as its own limit (docs/protocol-keyd.md), so a
  // limit below that can fail while gims-keyd is well.
  static constexpr std::chrono::milliseconds default_limit{30'000};

  // Connects to the socket at `path`. Fails (unavailable, GIMS_KEYD_GONE) when no one answers
  // there. A call gives up at once, in the same way, while one of the descriptors `stop` is
  // readable, so that a service that is to end need not wait; they outlive the client.
  [[nodiscard]] static Result<std::unique_ptr<Client>> connect(
      std::string path, std::chrono::milliseconds limit = default_limit,
      std::vector<int> stop = {});

  // Any peer, any state.
  [[nodiscard]] Result<StatusReply> status();
  // Any peer; operational.
  [[nodiscard]] Result<SiteRootReply> site_root();

  // gims-tlsd; operational. The names in the leaf are the site's own, never the caller's.
  [[nodiscard]] Result<LeafReply> sign_leaf(const LeafRequest& request);

  // gimsd; operational.
  [[nodiscard]] Result<DataKeys> data_keys();
  [[nodiscard]] Result<ServerKeyReply> server_key();
  // Signs canonical JSON (Matrix: appendices, "Signing JSON") with the server's key.
  [[nodiscard]] Result<Signature> sign_event(BytesView canonical);
  // The same for up to max_events in one round trip, as many as fit into a frame: the caller splits
  // what is longer than max_body_size in all.
  [[nodiscard]] Result<std::vector<Signature>> sign_events(std::span<const BytesView> canonical);
  // Makes `head` the audit log's newest, durably, before it returns. The same head again is no
  // failure, so that a call without an answer can be repeated; a lower sequence, or the same with
  // another hash, is a conflict (GIMS_KEYD_AUDIT).
  [[nodiscard]] Result<> extend_audit(const AuditHead& head);
  [[nodiscard]] Result<AuditHead> audit_head();
  // Tells how far the database is, durably. Less than was told before is an older copy of it
  // (GIMS_KEYD_OLDER): gims-keyd locks, and the caller must not serve it.
  [[nodiscard]] Result<> mark_store(const StoreMark& mark);
  // What the hardware states about itself and the unit. Uses it several times: seconds.
  [[nodiscard]] Result<AttestReply> attest(const AttestNonce& nonce);
  // The newest entry that extend_audit() gave, certified by the hardware.
  [[nodiscard]] Result<AuditCertificate> certify_audit();
  // A log of what was measured, whole; empty where there is none, or a longer one than
  // max_event_log.
  [[nodiscard]] Result<Bytes> event_log(EventLog log);

  // What opens the unit's data volume (peers.volume); operational.
  [[nodiscard]] Result<VolumeKey> volume_key();

  // An administrator.
  // Tries again what failed at start; locked.
  [[nodiscard]] Result<> unlock();
  // The running release is good; operational. No older one gets the keys any more.
  [[nodiscard]] Result<ReleaseReply> raise_release();
  // The hardware line (peers.tamper); locked, operational. Destroys the keys for good, and says
  // whether that is certain. Persons propose it.
  // Who is needed to open the keys; locked, operational.
  [[nodiscard]] Result<PersonsReply> persons();
  // As unlock(), with a person's key; locked.
  [[nodiscard]] Result<> unlock_with(const PersonKey& key);
  // Once two administrators have approved it; operational.
  [[nodiscard]] Result<> add_person(const AddPersonRequest& request);
  // Destroys the keys for good, and says whether that is certain.
  [[nodiscard]] Result<ZeroizeReply> zeroize(const ZeroizeRequest& request);
  // Opens a credential: what it holds.
  [[nodiscard]] Result<SecretBytes> activate(const ActivateRequest& request);

  // Administrators, for what takes two of them (docs/protocol-keyd.md, "Two persons"); operational,
  // and for zeroizing locked too. GIMS_KEYD_APPROVAL: not approved, or it cannot be.
  [[nodiscard]] Result<ProposalReply> propose(const ProposeRequest& request);
  [[nodiscard]] Result<ApproveReply> approve(const ApproveRequest& request);
  [[nodiscard]] Result<std::vector<ProposalReply>> proposals();
  [[nodiscard]] Result<> withdraw(const WithdrawRequest& request);
  [[nodiscard]] Result<AdministratorsReply> administrators();
  // gimsd; operational. What two administrators approved and gimsd carries out: handed over once.
  [[nodiscard]] Result<RedeemReply> redeem(const RedeemRequest& request);
  // gimsd; operational. What was done here and is not in its audit log yet.
  [[nodiscard]] Result<ActsReply> acts(const ActsRequest& request);

  // An administrator's ceremonies (docs/protocol-keyd.md). One at a time; nothing changes before
  // ceremony_finish(). Codes: GIMS_KEYD_SHARE, what was typed is not the share that is wanted;
  // GIMS_KEYD_CEREMONY, there is none with this id, or it is not so far.
  [[nodiscard]] Result<CeremonyReply> ceremony_begin(const CeremonyRequest& request);
  [[nodiscard]] Result<CeremonyReply> ceremony_give(const GiveRequest& share);
  // The words of a new share.
  [[nodiscard]] Result<SecretBytes> ceremony_share(const ShareRequest& which);
  [[nodiscard]] Result<CeremonyReply> ceremony_confirm(const ConfirmRequest& share);
  [[nodiscard]] Result<FinishReply> ceremony_finish(const FinishRequest& finish);
  // Ends whichever is going on.
  [[nodiscard]] Result<> ceremony_abort();
  // What the quorum needs beside its shares; locked, operational, zeroized.
  [[nodiscard]] Result<RecoveryFileReply> recovery_file();

  // An administrator; operational. The administrator says whose device it is, and the request gives
  // the key alone.
  [[nodiscard]] Result<DeviceReply> certify_device(const DeviceRequest& request);
  // By the serial number of its certificate.
  [[nodiscard]] Result<> revoke_device(const RevokeRequest& request);

  // Of the services around the daemons (peers.services); operational. This one gimsd too.
  [[nodiscard]] Result<RelaySecret> relay_secret();
  // An administrator too.
  [[nodiscard]] Result<WifiPassphrase> wifi_passphrase(const WifiRequest& request);
  // The name in it is host_of() the service, never the caller's.
  [[nodiscard]] Result<ServiceReply> certify_service(const ServiceRequest& request);
  [[nodiscard]] Result<IssuingCas> issuing_cas();

  // Any peer; operational. A list of revoked certificates.
  [[nodiscard]] Result<CrlReply> crl(const CrlRequest& request);

 private:
  explicit Client(std::unique_ptr<Caller> caller) : caller_(std::move(caller)) {}
  // As Caller's.
  template <class Write, class Read>
  auto call(Operation operation, const Write& write, const Read& read)
      -> decltype(read(BytesView{}));

  std::unique_ptr<Caller> caller_;
};

}  // namespace gims::hsm
