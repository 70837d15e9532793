#include "app/keyd_witness.hpp"

#include <chrono>
#include <utility>

#include "hsm/attest/evidence.hpp"

namespace gims::app {
namespace {

// What the witness is asked is in gims-keyd's memory or a small file, so this is long, but for the
// certificate, which a slow TPM may need a second try for; `gimsctl status` waits for it.
constexpr std::chrono::milliseconds patience{5000};

}  // namespace

KeydWitness::KeydWitness(std::string socket) : keyd_(std::move(socket), patience) {}

Result<std::string> KeydWitness::state() {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  GIMS_TRY_ASSIGN(const hsm::StatusReply status, keyd->status());
  std::string state(hsm::name_of(status.state));
  if (!status.reason.empty()) state += ": " + status.reason;
  return state;
}

Result<store::AuditHead> KeydWitness::head() {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  GIMS_TRY_ASSIGN(const hsm::AuditHead kept, keyd->audit_head());
  return store::AuditHead{.sequence = static_cast<std::int64_t>(kept.sequence), .hash = kept.hash};
}

Result<> KeydWitness::extend(const store::AuditHead& head) {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  return keyd->extend_audit(
      {.sequence = static_cast<std::uint64_t>(head.sequence), .hash = head.hash});
}

Result<service::AuditWitness::Certificate> KeydWitness::certify() {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  GIMS_TRY_ASSIGN(const hsm::AuditCertificate certificate, keyd->certify_audit());
  return Certificate{.sequence = static_cast<std::int64_t>(certificate.head.sequence),
                     .json = hsm::attest::encode_certificate(certificate)};
}

}  // namespace gims::app
