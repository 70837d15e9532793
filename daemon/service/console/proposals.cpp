#include "service/console/proposals.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "crypto/bytes.hpp"
#include "hsm/approval/action.hpp"
#include "hsm/approval/change.hpp"
#include "json/writer.hpp"
#include "service/console/audit.hpp"
#include "service/console/proposal_request.hpp"
#include "service/console/refusals.hpp"
#include "store/run_on_writer.hpp"

namespace gims::service::console {
namespace {

constexpr Millis kept_for = std::chrono::milliseconds(std::chrono::hours(24)).count();
constexpr std::string_view elsewhere = "gims-keyd";

std::unexpected<Error> none_waits() {
  return fail(ErrorKind::not_found, "GIMS_APPROVAL_PENDING",
              "There is no such proposal any longer: it ended, or its ten minutes are over.");
}

bool is_over(ProposalState state) {
  return state != ProposalState::waiting && state != ProposalState::approved;
}

// gims-keyd's refusals in the codes of the admin API.
Error in_our_codes(Error error) {
  if (error.code == "GIMS_KEYD_APPROVAL") {
    const bool counter = error.text.starts_with("The authenticator's counter");
    error.code = counter ? "GIMS_APPROVAL_COUNTER" : "GIMS_APPROVAL_ASSERTION";
    error.kind = ErrorKind::forbidden;
  } else if (error.code == "GIMS_KEYD_STATE") {
    error.kind = ErrorKind::conflict;
  } else if (error.code != "GIMS_KEYD_CUSTODY") {
    error.code = "GIMS_UNAVAILABLE";
    error.kind = ErrorKind::unavailable;
  }
  return error;
}

}  // namespace

std::string_view name_of(ProposalState state) noexcept {
  switch (state) {
    case ProposalState::waiting:
      return "waiting";
    case ProposalState::approved:
      return "approved";
    case ProposalState::done:
      return "done";
    case ProposalState::failed:
      return "failed";
    case ProposalState::withdrawn:
      return "withdrawn";
    case ProposalState::expired:
      return "expired";
  }
  return "";
}

template <class T>
void Proposals::on_keyd(Work<T> work, Done<T> done) {
  keyd_.ask([work = std::move(work), done = std::move(done)](Result<KeydApprovals*> keyd) mutable {
    if (!keyd) return done(pass(std::move(keyd)));
    done(work(**keyd));
  });
}

ProposalShown* Proposals::known(std::uint32_t id) {
  const auto found = std::ranges::find(known_, id, &ProposalShown::id);
  return found == known_.end() ? nullptr : &*found;
}

ProposalShown& Proposals::note(const hsm::ProposalReply& reply, std::string_view by) {
  ProposalShown* shown = known(reply.id);
  const Millis now = clock_.now_ms();
  if (shown == nullptr) {
    if (known_.size() >= most_proposals_known) known_.pop_front();
    shown = &known_.emplace_back();
    shown->id = reply.id;
    shown->request = {.action = reply.action, .body = reply.body};
    shown->text = reply.text;
    shown->proposed_by = by;
    shown->proposed_ts = now;
    shown->challenge = reply.challenge;
  }
  shown->expires_ts = now + Millis{1000} * reply.seconds_left;
  shown->approved_by = reply.approved_by;
  const bool approved = reply.approved_by.size() >= hsm::needed_persons;
  shown->state = approved ? ProposalState::approved : ProposalState::waiting;
  shown->redeemable =
      approved && hsm::approval::done_by(reply.action) == hsm::approval::DoneBy::gimsd;
  return *shown;
}

Result<> Proposals::look(KeydApprovals& keyd) {
  auto replies = keyd.proposals();
  if (!replies) return std::unexpected(in_our_codes(std::move(replies.error())));
  for (const hsm::ProposalReply& reply : *replies) note(reply, elsewhere);
  const Millis now = clock_.now_ms();
  for (ProposalShown& one : known_) {
    const bool there = std::ranges::contains(*replies, one.id, &hsm::ProposalReply::id);
    if (there || is_over(one.state)) continue;
    one.redeemable = false;
    one.state = now >= one.expires_ts ? ProposalState::expired : ProposalState::done;
    if (one.state == ProposalState::done) {
      one.outcome = "It ended in another way than by this console: the audit log says how.";
    }
  }
  std::erase_if(known_, [&](const ProposalShown& one) {
    return is_over(one.state) && now - one.proposed_ts > kept_for;
  });
  return {};
}

Result<ProposalShown*> Proposals::waiting(KeydApprovals& keyd, std::uint32_t id) {
  GIMS_TRY(look(keyd));
  ProposalShown* const found = known(id);
  if (found == nullptr || is_over(found->state)) return none_waits();
  return found;
}

Result<> Proposals::enter(const Session& session, std::string_view act,
                          const ProposalShown& proposal) {
  json::Writer detail;
  detail.begin_object().member("text", proposal.text).end_object();
  const std::string text = detail.take();
  const std::string target =
      std::string(action_name(proposal.request.action, proposal.request.body)) + " " +
      std::to_string(proposal.id);
  return store::run_on_writer(store_.writer(), [&](store::Transaction& transaction) {
    return audit(transaction, actor_of(session), act, target, text);
  });
}

void Proposals::propose(const Session& session, hsm::ProposeRequest request,
                        Done<ProposalShown> done) {
  on_keyd<ProposalShown>(
      [this, session, request = std::move(request)](KeydApprovals& keyd) -> Result<ProposalShown> {
        GIMS_TRY(look(keyd));
        if (std::ranges::count_if(known_, [](const ProposalShown& one) {
              return !is_over(one.state);
            }) >= static_cast<std::ptrdiff_t>(hsm::max_proposals)) {
          return fail(ErrorKind::unavailable, "GIMS_APPROVAL_BUSY",
                      "Eight proposals wait already: withdraw one, or wait ten minutes.");
        }
        auto reply = keyd.propose(request);
        if (!reply) {
          // What is proposed cannot be done: gims-keyd's words say why.
          Error error = in_our_codes(std::move(reply.error()));
          if (error.code == "GIMS_APPROVAL_ASSERTION") {
            error.code = "GIMS_STATE";
            error.kind = ErrorKind::conflict;
          }
          return std::unexpected(std::move(error));
        }
        const ProposalShown shown = note(*reply, session.name);
        GIMS_TRY(enter(session, "approval.proposed", shown));
        return shown;
      },
      std::move(done));
}

void Proposals::list(Done<std::vector<ProposalShown>> done) {
  on_keyd<std::vector<ProposalShown>>(
      [this](KeydApprovals& keyd) -> Result<std::vector<ProposalShown>> {
        GIMS_TRY(look(keyd));
        return std::vector<ProposalShown>(known_.begin(), known_.end());
      },
      std::move(done));
}

void Proposals::find(std::uint32_t id, Done<ProposalShown> done) {
  on_keyd<ProposalShown>(
      [this, id](KeydApprovals& keyd) -> Result<ProposalShown> {
        GIMS_TRY(look(keyd));
        const ProposalShown* const found = known(id);
        if (found == nullptr) return none_waits();
        return *found;
      },
      std::move(done));
}

void Proposals::withdraw(const Session& session, std::uint32_t id, Done<void> done) {
  on_keyd<void>(
      [this, session, id](KeydApprovals& keyd) -> Result<> {
        GIMS_TRY_ASSIGN(ProposalShown* const proposal, waiting(keyd, id));
        if (auto gone = keyd.withdraw(id); !gone) {
          return std::unexpected(in_our_codes(std::move(gone.error())));
        }
        proposal->state = ProposalState::withdrawn;
        proposal->redeemable = false;
        return enter(session, "approval.withdrawn", *proposal);
      },
      std::move(done));
}

Result<hsm::approval::Administrator> Proposals::may_approve(const Session& session,
                                                            const ProposalShown& proposal) {
  const auto person = keyd_.find(session.name);
  if (!person || !person->roles.any_of(hsm::approval::approvers)) {
    return fail(ErrorKind::forbidden, "GIMS_APPROVAL_ROLE", "An auditor approves nothing.");
  }
  if (std::ranges::contains(proposal.approved_by, session.name)) {
    return fail(ErrorKind::conflict, "GIMS_APPROVAL_TWICE",
                "You have approved it already: the second yes is another's.");
  }
  return *person;
}

void Proposals::ask(const Session& session, std::uint32_t id, Done<ApprovalAsked> done) {
  on_keyd<ApprovalAsked>(
      [this, session, id](KeydApprovals& keyd) -> Result<ApprovalAsked> {
        GIMS_TRY_ASSIGN(const ProposalShown* const proposal, waiting(keyd, id));
        GIMS_TRY_ASSIGN(const auto person, may_approve(session, *proposal));
        if (!is_webauthn(person.kind)) {
          return not_in_this_state(
              "gims-keyd knows you by the key of a file: sign the challenge with gimsctl.");
        }
        return ApprovalAsked{
            .challenge = proposal->challenge,
            .key = crypto::base64(person.credential_id, crypto::Alphabet::url_safe)};
      },
      std::move(done));
}

void Proposals::approve(const Session& session, std::uint32_t id,
                        hsm::approval::Assertion assertion, Done<ProposalApproved> done) {
  assertion.who = session.name;
  on_keyd<ProposalApproved>(
      [this, session, id,
       assertion = std::move(assertion)](KeydApprovals& keyd) -> Result<ProposalApproved> {
        GIMS_TRY_ASSIGN(ProposalShown* const proposal, waiting(keyd, id));
        GIMS_TRY(may_approve(session, *proposal));
        hsm::Bytes room(hsm::header_size + hsm::max_assertion);
        hsm::Writer writer(room);
        encode(writer, assertion);
        const auto yes =
            keyd.approve({.id = id, .assertion = {writer.body().begin(), writer.body().end()}});
        if (!yes) {
          // With the second yes it is gone, also where it could not be done.
          if (!waiting(keyd, id)) {
            proposal->state = ProposalState::failed;
            proposal->outcome = yes.error().text;
          }
          return std::unexpected(in_our_codes(yes.error()));
        }
        proposal->approved_by.push_back(session.name);
        if (yes->missing == 0) {
          const auto by = hsm::approval::done_by(proposal->request.action);
          proposal->state =
              by == hsm::approval::DoneBy::us ? ProposalState::done : ProposalState::approved;
          proposal->redeemable = by == hsm::approval::DoneBy::gimsd;
          proposal->outcome = yes->text;
        }
        GIMS_TRY(enter(session, "approval.given", *proposal));
        return ProposalApproved{.missing = yes->missing, .text = yes->text, .proposal = *proposal};
      },
      std::move(done));
}

void Proposals::redeem(const Session& session, std::uint32_t id, Done<ProposalShown> done) {
  // One callback, whichever of two threads has the answer.
  const auto answer = std::make_shared<Done<ProposalShown>>(std::move(done));
  on_keyd<ProposalShown>(
      [this, id](KeydApprovals& keyd) -> Result<ProposalShown> {
        GIMS_TRY_ASSIGN(const ProposalShown* const proposal, waiting(keyd, id));
        if (!proposal->redeemable) {
          return fail(ErrorKind::forbidden, "GIMS_APPROVAL_QUORUM",
                      "Two persons have not approved this yet.");
        }
        return *proposal;
      },
      [this, session, id, answer](Result<ProposalShown> proposal) {
        if (!proposal) return (*answer)(std::move(proposal));
        const hsm::Bytes& body = proposal->request.body;
        two_persons_.reset_identity(
            std::string(body.begin(), body.end()), id, actor_of(session),
            [this, id, answer](const Result<>& done_now) {
              on_keyd<ProposalShown>(
                  [this, id, done_now](KeydApprovals&) -> Result<ProposalShown> {
                    ProposalShown* const shown = known(id);
                    if (shown == nullptr) return none_waits();
                    shown->redeemable = false;
                    shown->state = done_now ? ProposalState::done : ProposalState::failed;
                    shown->outcome = done_now ? "Its owner may replace the identity, once, within "
                                                "the hour."
                                              : done_now.error().text;
                    if (!done_now) return std::unexpected(done_now.error());
                    return *shown;
                  },
                  [answer](Result<ProposalShown> shown) { (*answer)(std::move(shown)); });
            });
      });
}

}  // namespace gims::service::console
