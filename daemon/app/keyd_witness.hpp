// gims-keyd as the audit log's witness.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "hsm/proto/client.hpp"
#include "service/audit_log.hpp"

namespace gims::app {

// Connects when it is first asked, and again after gims-keyd was away. Thread: one.
class KeydWitness final : public service::AuditWitness {
 public:
  explicit KeydWitness(std::string socket) noexcept : socket_(std::move(socket)) {}
  [[nodiscard]] Result<std::string> state() override;
  [[nodiscard]] Result<store::AuditHead> head() override;
  [[nodiscard]] Result<> extend(const store::AuditHead& head) override;
  [[nodiscard]] Result<Certificate> certify() override;

 private:
  [[nodiscard]] Result<hsm::Client*> client();

  const std::string socket_;
  std::unique_ptr<hsm::Client> client_;
};

}  // namespace gims::app
