// gims-keyd as who states what the unit is.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "hsm/proto/client.hpp"
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
  KeydAttester(std::string socket, sys::EventFd cancelled) noexcept
      : socket_(std::move(socket)), cancelled_(std::move(cancelled)) {}

  const std::string socket_;
  const sys::EventFd cancelled_;  // readable from then on
  std::unique_ptr<hsm::Client> client_;
};

}  // namespace gims::app
