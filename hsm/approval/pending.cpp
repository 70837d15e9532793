#include "hsm/approval/pending.hpp"

#include <sodium.h>

#include <algorithm>

namespace gims::hsm::approval {
namespace {

std::unexpected<Error> forbidden(std::string_view code, std::string_view text) {
  return fail(ErrorKind::forbidden, code, text);
}

}  // namespace

void Pending::drop_expired() {
  const auto now = clock_.steady();
  std::erase_if(proposals_, [&](const Proposal& one) { return one.expires <= now; });
}

Result<Proposal*> Pending::find(std::uint32_t id, const Registry& registry) {
  drop_expired();
  const auto found = std::ranges::find(proposals_, id, &Proposal::id);
  if (found == proposals_.end()) {
    return fail(ErrorKind::not_found, "GIMS_APPROVAL_PENDING",
                "There is no such proposal: it was carried out, or its ten minutes are over.");
  }
  std::erase_if(found->approvals, [&](const Proposal::Approval& one) {
    const Administrator* const who = registry.find(one.who);
    return who == nullptr || who->public_key != one.public_key ||
           !who->roles.any_of(found->allowed);
  });
  return &*found;
}

std::span<const Proposal> Pending::all() {
  drop_expired();
  return proposals_;
}

Result<const Proposal*> Pending::propose(std::uint16_t operation, BytesView body, Roles allowed,
                                         BytesView site) {
  if (body.size() > max_body) {
    return fail(ErrorKind::too_large, "GIMS_APPROVAL_BODY",
                "What is to be approved may have at most 4 KiB.");
  }
  drop_expired();
  if (proposals_.size() == max_pending) {
    return fail(ErrorKind::unavailable, "GIMS_APPROVAL_BUSY",
                "Eight proposals are waiting already; each goes after ten minutes.");
  }
  std::array<std::uint8_t, 32> nonce{};
  randombytes_buf(nonce.data(), nonce.size());
  proposals_.push_back({.id = ++last_id_,
                        .operation = operation,
                        .body = {body.begin(), body.end()},
                        .allowed = allowed,
                        .challenge = challenge_of(operation, body, nonce, site),
                        .expires = clock_.steady() + lifetime,
                        .approvals = {}});
  return &proposals_.back();
}

Result<std::size_t> Pending::approve(std::uint32_t id, Registry& registry,
                                     const Assertion& assertion) {
  GIMS_TRY_ASSIGN(Proposal* const proposal, find(id, registry));
  const Administrator* const who = registry.find(assertion.who);
  if (who == nullptr) return unknown_administrator();
  if (!who->roles.any_of(proposal->allowed)) {
    return forbidden("GIMS_APPROVAL_ROLE", "This administrator's role does not approve that.");
  }
  // Those who have approved are in the registry still, where no two have one key.
  if (std::ranges::contains(proposal->approvals, who->name, &Proposal::Approval::who)) {
    return forbidden("GIMS_APPROVAL_TWICE", "This administrator has approved it already.");
  }
  if (proposal->approvals.size() == needed_approvals) {
    return forbidden("GIMS_APPROVAL_TWICE", "Two have approved it already.");
  }
  GIMS_TRY(registry.verify(proposal->challenge, assertion));
  proposal->approvals.push_back({.who = who->name, .public_key = who->public_key});
  return needed_approvals - proposal->approvals.size();
}

Result<Proposal> Pending::take(std::uint32_t id, const Registry& registry) {
  GIMS_TRY_ASSIGN(Proposal* const proposal, find(id, registry));
  if (proposal->approvals.size() != needed_approvals) {
    return forbidden("GIMS_APPROVAL_QUORUM",
                     "It takes two administrators whose role approves that.");
  }
  Proposal taken = std::move(*proposal);
  proposals_.erase(proposals_.begin() + (proposal - proposals_.data()));
  return taken;
}

Result<> Pending::withdraw(std::uint32_t id, const Registry& registry) {
  GIMS_TRY_ASSIGN(const Proposal* const proposal, find(id, registry));
  proposals_.erase(proposals_.begin() + (proposal - proposals_.data()));
  return {};
}

}  // namespace gims::hsm::approval
