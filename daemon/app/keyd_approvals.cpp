#include "app/keyd_approvals.hpp"

#include <chrono>
#include <utility>

namespace gims::app {
namespace {

// A second yes may need the TPM several times.
constexpr std::chrono::milliseconds patience{30'000};

}  // namespace

KeydApprovalsClient::KeydApprovalsClient(std::string socket) : keyd_(std::move(socket), patience) {}

Result<hsm::approval::Registry> KeydApprovalsClient::administrators() {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  GIMS_TRY_ASSIGN(const hsm::AdministratorsReply reply, keyd->administrators());
  return hsm::approval::decode_registry(reply.list);
}

Result<hsm::ProposalReply> KeydApprovalsClient::propose(const hsm::ProposeRequest& request) {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  return keyd->propose(request);
}

Result<std::vector<hsm::ProposalReply>> KeydApprovalsClient::proposals() {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  return keyd->proposals();
}

Result<hsm::ApproveReply> KeydApprovalsClient::approve(const hsm::ApproveRequest& request) {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  return keyd->approve(request);
}

Result<> KeydApprovalsClient::withdraw(std::uint32_t id) {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  return keyd->withdraw({.id = id});
}

}  // namespace gims::app
