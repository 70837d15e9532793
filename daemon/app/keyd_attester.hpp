// gims-keyd as who states what the unit is.
#pragma once

#include <memory>
#include <string>

#include "app/keyd_link.hpp"
#include "service/attestation.hpp"
#include "sys/event_fd.hpp"

namespace gims::app {

// Connects when it is first asked, and again after gims-keyd was away. Thread: one; cancel() any.
class KeydAttester final : public service::AttestationSource {
 public:
  [[nodiscard]] static Result<std::unique_ptr<KeydAttester>> create(std::string socket);
  [[nodiscard]] Result<std::string> attest(const service::AttestationNonce& nonce) override;
  void cancel() noexcept override { cancelled_.signal(); }

 private:
  KeydAttester(std::string socket, sys::EventFd cancelled);

  const sys::EventFd cancelled_;  // readable from then on
  KeydLink keyd_;
};

}  // namespace gims::app
