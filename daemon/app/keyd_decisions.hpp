// gims-keyd, as two administrators decide there.
#pragma once

#include <string>

#include "app/keyd_link.hpp"
#include "service/two_persons.hpp"

namespace gims::app {

// Connects when it is first asked, and again after gims-keyd was away. Thread: one.
class KeydDecisionsClient final : public service::KeydDecisions {
 public:
  explicit KeydDecisionsClient(std::string socket);
  [[nodiscard]] Result<std::vector<std::string>> redeem_identity_reset(
      std::uint32_t approval, std::string_view user_id) override;
  [[nodiscard]] Result<Acts> acts(std::uint64_t taken) override;

 private:
  KeydLink keyd_;
};

}  // namespace gims::app
