#include "hsm/proto/client.hpp"

#include <array>
#include <utility>

namespace gims::hsm {

Result<std::unique_ptr<Client>> Client::connect(std::string path, std::chrono::milliseconds limit,
                                                std::vector<int> stop) {
  GIMS_TRY_ASSIGN(auto caller,
                  Caller::make(std::move(path), limit, keyd_operations, std::move(stop)));
  GIMS_TRY(caller->connect());
  return std::unique_ptr<Client>(new Client(std::move(caller)));
}

template <class Write, class Read>
auto Client::call(Operation operation, const Write& write, const Read& read)
    -> decltype(read(BytesView{})) {
  return caller_->call(operation, write, read);
}

namespace {
void write_nothing(Writer&) {}
}  // namespace

Result<StatusReply> Client::status() {
  return call(Operation::status, write_nothing, decode_status);
}

Result<SiteRootReply> Client::site_root() {
  return call(Operation::site_root, write_nothing, decode_site_root);
}

Result<RelaySecret> Client::relay_secret() {
  return call(Operation::relay_secret, write_nothing, decode_relay_secret);
}

Result<WifiPassphrase> Client::wifi_passphrase(const WifiRequest& request) {
  return call(
      Operation::wifi_passphrase, [&](Writer& writer) { encode(writer, request); },
      decode_wifi_passphrase);
}

Result<ServiceReply> Client::certify_service(const ServiceRequest& request) {
  return call(
      Operation::certify_service, [&](Writer& writer) { encode(writer, request); }, decode_service);
}

Result<IssuingCas> Client::issuing_cas() {
  return call(Operation::issuing_cas, write_nothing, decode_issuing_cas);
}

Result<LeafReply> Client::sign_leaf(const LeafRequest& request) {
  return call(Operation::sign_leaf, [&](Writer& writer) { encode(writer, request); }, decode_leaf);
}

Result<DataKeys> Client::data_keys() {
  return call(Operation::data_keys, write_nothing, decode_data_keys);
}

Result<VolumeKey> Client::volume_key() {
  return call(Operation::volume_key, write_nothing, decode_volume_key);
}

Result<ReleaseReply> Client::raise_release() {
  return call(Operation::raise_release, write_nothing, decode_release);
}

Result<ServerKeyReply> Client::server_key() {
  return call(Operation::server_key, write_nothing, decode_server_key);
}

Result<Signature> Client::sign_event(BytesView canonical) {
  const std::array<BytesView, 1> events{canonical};
  GIMS_TRY_ASSIGN(const std::vector<Signature> signatures, sign_events(events));
  return signatures.front();
}

Result<std::vector<Signature>> Client::sign_events(std::span<const BytesView> canonical) {
  if (canonical.empty() || canonical.size() > max_events) {
    return fail(ErrorKind::too_large, "GIMS_KEYD_FRAME",
                "1 to " + std::to_string(max_events) + " events can be signed at a time.");
  }
  GIMS_TRY_ASSIGN(std::vector<Signature> signatures,
                  call(
                      Operation::sign_events, [&](Writer& writer) { encode(writer, canonical); },
                      decode_signatures));
  if (signatures.size() != canonical.size()) {
    return fail(ErrorKind::internal, "GIMS_KEYD_FRAME", "The key custodian's answer is wrong.",
                "another number of signatures than events");
  }
  return signatures;
}

Result<> Client::extend_audit(const AuditHead& head) {
  return call(
      Operation::extend_audit, [&](Writer& writer) { encode(writer, head); }, decode_nothing);
}

Result<AuditHead> Client::audit_head() {
  return call(Operation::audit_head, write_nothing, decode_audit_head);
}

Result<> Client::mark_store(const StoreMark& mark) {
  return call(Operation::mark_store, [&](Writer& writer) { encode(writer, mark); }, decode_nothing);
}

Result<AttestReply> Client::attest(const AttestNonce& nonce) {
  return call(
      Operation::attest, [&](Writer& writer) { encode(writer, AttestRequest{.nonce = nonce}); },
      decode_attest);
}

Result<AuditCertificate> Client::certify_audit() {
  return call(Operation::certify_audit, write_nothing, decode_audit_certificate);
}

Result<Bytes> Client::event_log(EventLog log) {
  Bytes whole;
  while (whole.size() < max_event_log) {
    const EventLogRequest request{.log = log, .offset = static_cast<std::uint32_t>(whole.size())};
    GIMS_TRY_ASSIGN(const EventLogReply reply,
                    call(
                        Operation::event_log, [&](Writer& writer) { encode(writer, request); },
                        decode_event_log));
    whole.insert(whole.end(), reply.part.begin(), reply.part.end());
    if (reply.part.size() < max_event_log_part) return whole;
  }
  return Bytes();
}

Result<SecretBytes> Client::activate(const ActivateRequest& request) {
  return call(
      Operation::activate, [&](Writer& writer) { encode(writer, request); }, decode_activated);
}

Result<> Client::unlock() { return call(Operation::unlock, write_nothing, decode_nothing); }

Result<PersonsReply> Client::persons() {
  return call(Operation::persons, write_nothing, decode_persons);
}

Result<> Client::unlock_with(const PersonKey& key) {
  return call(Operation::unlock_with, [&](Writer& writer) { encode(writer, key); }, decode_nothing);
}

Result<> Client::add_person(const AddPersonRequest& request) {
  return call(
      Operation::add_person, [&](Writer& writer) { encode(writer, request); }, decode_nothing);
}

Result<ZeroizeReply> Client::zeroize(const ZeroizeRequest& request) {
  return call(Operation::zeroize, [&](Writer& writer) { encode(writer, request); }, decode_zeroize);
}

Result<ProposalReply> Client::propose(const ProposeRequest& request) {
  return call(
      Operation::propose, [&](Writer& writer) { encode(writer, request); }, decode_proposal);
}

Result<ApproveReply> Client::approve(const ApproveRequest& request) {
  return call(Operation::approve, [&](Writer& writer) { encode(writer, request); }, decode_approve);
}

Result<std::vector<ProposalReply>> Client::proposals() {
  return call(Operation::proposals, write_nothing, decode_proposals);
}

Result<> Client::withdraw(const WithdrawRequest& request) {
  return call(
      Operation::withdraw, [&](Writer& writer) { encode(writer, request); }, decode_nothing);
}

Result<AdministratorsReply> Client::administrators() {
  return call(Operation::administrators, write_nothing, decode_administrators);
}

Result<RedeemReply> Client::redeem(const RedeemRequest& request) {
  return call(Operation::redeem, [&](Writer& writer) { encode(writer, request); }, decode_redeem);
}

Result<ActsReply> Client::acts(const ActsRequest& request) {
  return call(Operation::acts, [&](Writer& writer) { encode(writer, request); }, decode_acts);
}

Result<CeremonyReply> Client::ceremony_begin(const CeremonyRequest& request) {
  return call(
      Operation::ceremony_begin, [&](Writer& writer) { encode(writer, request); }, decode_ceremony);
}

Result<CeremonyReply> Client::ceremony_give(const GiveRequest& share) {
  return call(
      Operation::ceremony_give, [&](Writer& writer) { encode(writer, share); }, decode_ceremony);
}

Result<SecretBytes> Client::ceremony_share(const ShareRequest& which) {
  return call(
      Operation::ceremony_share, [&](Writer& writer) { encode(writer, which); }, decode_words);
}

Result<CeremonyReply> Client::ceremony_confirm(const ConfirmRequest& share) {
  return call(
      Operation::ceremony_confirm, [&](Writer& writer) { encode(writer, share); }, decode_ceremony);
}

Result<FinishReply> Client::ceremony_finish(const FinishRequest& finish) {
  return call(
      Operation::ceremony_finish, [&](Writer& writer) { encode(writer, finish); }, decode_finish);
}

Result<> Client::ceremony_abort() {
  return call(Operation::ceremony_abort, write_nothing, decode_nothing);
}

Result<RecoveryFileReply> Client::recovery_file() {
  return call(Operation::recovery_file, write_nothing, decode_recovery_file);
}

Result<CrlReply> Client::crl(const CrlRequest& request) {
  return call(Operation::crl, [&](Writer& writer) { encode(writer, request); }, decode_crl);
}

Result<DeviceReply> Client::certify_device(const DeviceRequest& request) {
  return call(
      Operation::certify_device, [&](Writer& writer) { encode(writer, request); }, decode_device);
}

Result<> Client::revoke_device(const RevokeRequest& request) {
  return call(
      Operation::revoke_device, [&](Writer& writer) { encode(writer, request); }, decode_nothing);
}

}  // namespace gims::hsm
