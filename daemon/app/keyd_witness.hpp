// gims-keyd as the audit log's witness.
#pragma once

#include <string>

#include "app/keyd_link.hpp"
#include "service/audit_log.hpp"

namespace gims::app {

// Connects when it is first asked, and again after gims-keyd was away. Thread: one.
class KeydWitness final : public service::AuditWitness {
 public:
  explicit KeydWitness(std::string socket);
  [[nodiscard]] Result<std::string> state() override;
  [[nodiscard]] Result<store::AuditHead> head() override;
  [[nodiscard]] Result<> extend(const store::AuditHead& head) override;
  [[nodiscard]] Result<Certificate> certify() override;

 private:
  KeydLink keyd_;
};

}  // namespace gims::app
