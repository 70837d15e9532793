// gims-keyd, as the console asks it.
#pragma once

#include <string>

#include "app/keyd_link.hpp"
#include "service/console/keyd.hpp"

namespace gims::app {

// Connects when it is first asked, and again after gims-keyd was away. Thread: one.
class KeydApprovalsClient final : public service::console::KeydApprovals {
 public:
  explicit KeydApprovalsClient(std::string socket);
  [[nodiscard]] Result<hsm::approval::Registry> administrators() override;
  [[nodiscard]] Result<hsm::ProposalReply> propose(const hsm::ProposeRequest& request) override;
  [[nodiscard]] Result<std::vector<hsm::ProposalReply>> proposals() override;
  [[nodiscard]] Result<hsm::ApproveReply> approve(const hsm::ApproveRequest& request) override;
  [[nodiscard]] Result<> withdraw(std::uint32_t id) override;

 private:
  KeydLink keyd_;
};

}  // namespace gims::app
