// gims-keyd, as two administrators decide there.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "hsm/proto/client.hpp"
#include "service/two_persons.hpp"

namespace gims::app {

// Connects when it is first asked, and again after gims-keyd was away. Thread: one.
class KeydDecisionsClient final : public service::KeydDecisions {
 public:
  explicit KeydDecisionsClient(std::string socket) noexcept : socket_(std::move(socket)) {}
  [[nodiscard]] Result<std::vector<std::string>> redeem_identity_reset(
      std::uint32_t approval, std::string_view user_id) override;
  [[nodiscard]] Result<Acts> acts(std::uint64_t taken) override;

 private:
  [[nodiscard]] Result<hsm::Client*> client();

  const std::string socket_;
  std::unique_ptr<hsm::Client> client_;
};

}  // namespace gims::app
