// The part of the custodian that has the hardware state what it is and what it runs.
#include <algorithm>
#include <string>
#include <utility>

#include "base/log.hpp"
#include "hsm/ca/statement.hpp"
#include "hsm/core/custodian.hpp"
#include "hsm/core/keys.hpp"

namespace gims::hsm {
namespace {

std::unexpected<Error> custody(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY", text);
}

TpmStatement to_message(Attestor::Statement statement) {
  TpmStatement message{.attest = std::move(statement.attest), .signature = {}};
  const auto rest = std::ranges::copy(statement.signature.r, message.signature.begin()).out;
  std::ranges::copy(statement.signature.s, rest);
  return message;
}

}  // namespace

Result<Attestor*> Custodian::attestor() {
  if (Attestor* const hardware = vault_->attestor()) return hardware;
  return custody("The hardware that keeps this unit's keys states nothing about itself.");
}

Result<const Attestor::Identity*> Custodian::identity(const SecretBytes& hardware_secret) {
  Open& keys = open();
  if (!keys.identity) {
    GIMS_TRY_ASSIGN(Attestor* const hardware, attestor());
    GIMS_TRY_ASSIGN(keys.identity, hardware->identity(keys.record.vault_blob, hardware_secret));
  }
  return &*keys.identity;
}

Result<AttestReply> Custodian::attest(const AttestRequest& request) {
  const Open& keys = open();
  const Bytes& blob = keys.record.vault_blob;
  GIMS_TRY_ASSIGN(Attestor* const hardware, attestor());
  GIMS_TRY_ASSIGN(const SecretBytes secret, derive(keys.root_key, Purpose::hardware));
  GIMS_TRY_ASSIGN(const Attestor::Identity* const own, identity(secret));

  AttestReply reply;
  reply.attestation_key = own->attestation_key;
  reply.endorsement_key = own->endorsement_key;
  reply.endorsement_certificate = own->endorsement_certificate;
  reply.audit_head = keys.freshness->audit_head();
  if (ReleaseGate* const gate = vault_->release_gate()) {
    GIMS_TRY_ASSIGN(const ReleaseGate::Releases releases, gate->releases());
    reply.running_release = releases.running;
  }
  GIMS_TRY_ASSIGN(
      Attestor::Statement counter,
      hardware->certify_counter(blob, secret, audit_statement(reply.audit_head, request.nonce)));
  reply.counter = to_message(std::move(counter));
  GIMS_TRY_ASSIGN(Attestor::Statement release,
                  hardware->certify_release(blob, release_statement(request.nonce)));
  reply.release = to_message(std::move(release));
  // Last, so that the logs that are read after it are hardly ever ahead of it.
  GIMS_TRY_ASSIGN(Attestor::Quote quote, hardware->quote(blob, request.nonce));
  if (quote.pcrs.size() != reply.pcrs.size()) {
    return custody("The hardware states another number of PCRs than was asked for.");
  }
  std::ranges::copy(quote.pcrs, reply.pcrs.begin());
  reply.quote = to_message(std::move(quote.statement));
  return reply;
}

Result<SecretBytes> Custodian::activate(const ActivateRequest& request) {
  const Open& keys = open();
  GIMS_TRY_ASSIGN(Attestor* const hardware, attestor());
  GIMS_TRY_ASSIGN(const SecretBytes secret, derive(keys.root_key, Purpose::hardware));
  GIMS_TRY_ASSIGN(SecretBytes activated,
                  hardware->activate(keys.record.vault_blob, secret, request.credential,
                                     request.encrypted_secret));
  if (activated.size() > max_activated) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", "The credential holds too much.");
  }
  return activated;
}

Result<AuditCertificate> Custodian::certify_audit() {
  const Open& keys = open();
  GIMS_TRY_ASSIGN(Attestor* const hardware, attestor());
  GIMS_TRY_ASSIGN(const SecretBytes secret, derive(keys.root_key, Purpose::hardware));
  GIMS_TRY_ASSIGN(const Attestor::Identity* const own, identity(secret));
  AuditCertificate certificate;
  certificate.head = keys.freshness->audit_head();
  certificate.attestation_key = own->attestation_key;
  GIMS_TRY_ASSIGN(Attestor::Statement counter,
                  hardware->certify_counter(keys.record.vault_blob, secret,
                                            audit_statement(certificate.head, AttestNonce{})));
  certificate.counter = to_message(std::move(counter));
  return certificate;
}

Result<ReleaseReply> Custodian::raise_release() {
  ReleaseGate* const gate = vault_->release_gate();
  if (gate == nullptr) return ReleaseReply{};
  GIMS_TRY(gate->raise());
  GIMS_TRY_ASSIGN(const ReleaseGate::Releases releases, gate->releases());
  log::notice(log::id::release_raised, "the keys open to no older release",
              {{"RELEASE", std::to_string(releases.told)}});
  return ReleaseReply{.running = releases.running, .told = releases.told};
}

Result<EventLogReply> Custodian::event_log(const EventLogRequest& request) const {
  return event_logs_.read(request);
}

}  // namespace gims::hsm
