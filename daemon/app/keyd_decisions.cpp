#include "app/keyd_decisions.hpp"

#include <chrono>
#include <utility>

namespace gims::app {
namespace {

// What is asked is in gims-keyd's memory or a small file; it may be busy with its TPM meanwhile.
constexpr std::chrono::milliseconds patience{5000};

}  // namespace

KeydDecisionsClient::KeydDecisionsClient(std::string socket) : keyd_(std::move(socket), patience) {}

Result<std::vector<std::string>> KeydDecisionsClient::redeem_identity_reset(
    std::uint32_t approval, std::string_view user_id) {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  GIMS_TRY_ASSIGN(hsm::RedeemReply reply, keyd->redeem({.id = approval,
                                                        .action = hsm::Action::identity_reset,
                                                        .body = {user_id.begin(), user_id.end()}}));
  return std::move(reply.approved_by);
}

Result<service::KeydDecisions::Acts> KeydDecisionsClient::acts(std::uint64_t taken) {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  GIMS_TRY_ASSIGN(const hsm::ActsReply reply, keyd->acts({.taken = taken}));
  Acts acts{.acts = {}, .lost = reply.lost};
  for (const hsm::Act& act : reply.acts) {
    acts.acts.push_back({.id = act.id,
                         .ts = act.time_ms,
                         .actor = act.actor,
                         .act = act.act,
                         .target = act.target,
                         .text = act.text});
  }
  return acts;
}

}  // namespace gims::app
