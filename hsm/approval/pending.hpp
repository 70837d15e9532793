// The rule of two: operations that wait until two persons have said yes.
#pragma once

#include <chrono>
#include <vector>

#include "base/clock.hpp"
#include "hsm/approval/registry.hpp"

namespace gims::hsm::approval {

inline constexpr std::size_t max_pending = max_proposals;
inline constexpr std::size_t max_body = max_action_body;
inline constexpr std::size_t needed_approvals = needed_persons;
inline constexpr auto lifetime = std::chrono::minutes(10);

struct Proposal {
  std::uint32_t id = 0;
  std::uint16_t operation = 0;
  Bytes body;             // no secret
  Roles allowed;          // who approves has one of these
  Challenge challenge{};  // what is signed
  std::chrono::steady_clock::time_point expires;
  // Who has approved, and with which key.
  struct Approval {
    std::string who;
    Bytes public_key;
  };
  std::vector<Approval> approvals;
};

// In memory alone: a restart forgets every proposal. A proposal that is refused, expired or taken
// leaves nothing behind. Errors with GIMS_APPROVAL_PENDING (not_found) say that there is no such
// proposal any longer. A yes counts as long as who said it is an administrator with that key and an
// allowed role. Thread: one.
class Pending {
 public:
  // The clock outlives it.
  explicit Pending(const Clock& clock) noexcept : clock_(clock) {}

  // Good until the next call that changes something. `site` as for challenge_of(). Fails with
  // GIMS_APPROVAL_BUSY (unavailable) when eight are waiting, and too_large for a body of more than
  // max_body.
  [[nodiscard]] Result<const Proposal*> propose(std::uint16_t operation, BytesView body,
                                                Roles allowed, BytesView site);
  // The administrator whom the assertion names says yes. Gives how many more are needed. Fails as
  // Registry::verify() does and with (forbidden) GIMS_APPROVAL_ROLE for one without an allowed
  // role, GIMS_APPROVAL_TWICE for one who has approved already, and when two have.
  [[nodiscard]] Result<std::size_t> approve(std::uint32_t id, Registry& registry,
                                            const Assertion& assertion);
  // Hands the operation over, once. Fails (forbidden, GIMS_APPROVAL_QUORUM) unless two have
  // approved.
  [[nodiscard]] Result<Proposal> take(std::uint32_t id, const Registry& registry);

  // Forgets it.
  [[nodiscard]] Result<> withdraw(std::uint32_t id, const Registry& registry);

  // Those that have not expired, the oldest first. An approval that no longer counts is among them
  // until take().
  [[nodiscard]] std::span<const Proposal> all();
  void clear() noexcept { proposals_.clear(); }

 private:
  void drop_expired();
  // Without the approvals that no longer count.
  [[nodiscard]] Result<Proposal*> find(std::uint32_t id, const Registry& registry);

  const Clock& clock_;
  std::vector<Proposal> proposals_;
  std::uint32_t last_id_ = 0;
};

}  // namespace gims::hsm::approval
