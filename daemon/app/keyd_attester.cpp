#include "app/keyd_attester.hpp"

#include <chrono>
#include <utility>

#include "hsm/attest/evidence.hpp"

namespace gims::app {
namespace {

// gims-keyd uses its TPM up to five times for one answer, each for as long as its own limit.
constexpr std::chrono::seconds patience{130};

}  // namespace

KeydAttester::KeydAttester(std::string socket, sys::EventFd cancelled)
    : cancelled_(std::move(cancelled)), keyd_(std::move(socket), patience, {cancelled_.fd()}) {}

Result<std::unique_ptr<KeydAttester>> KeydAttester::create(std::string socket) {
  GIMS_TRY_ASSIGN(sys::EventFd cancelled, sys::EventFd::create());
  return std::unique_ptr<KeydAttester>(new KeydAttester(std::move(socket), std::move(cancelled)));
}

Result<std::string> KeydAttester::attest(const service::AttestationNonce& nonce) {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  hsm::attest::Evidence evidence;
  evidence.nonce = nonce;
  GIMS_TRY_ASSIGN(evidence.stated, keyd->attest(nonce));
  // After the quote: what they have beyond it does no harm, and what they lack would.
  GIMS_TRY_ASSIGN(evidence.firmware_log, keyd->event_log(hsm::EventLog::firmware));
  GIMS_TRY_ASSIGN(evidence.userspace_log, keyd->event_log(hsm::EventLog::userspace));
  return hsm::attest::encode_evidence(evidence);
}

}  // namespace gims::app
