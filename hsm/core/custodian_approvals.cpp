// What the custodian does about two persons (docs/protocol-keyd.md, "Two persons").
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "base/utf8.hpp"
#include "hsm/approval/action.hpp"
#include "hsm/ca/sha256.hpp"
#include "hsm/core/administrators.hpp"
#include "hsm/core/custodian.hpp"

namespace gims::hsm {
namespace {

using approval::Registry;

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::forbidden, "GIMS_KEYD_APPROVAL", text);
}

Action action_of(const approval::Proposal& proposal) {
  return static_cast<Action>(proposal.operation);
}

std::vector<std::string> names_in(const approval::Proposal& proposal) {
  std::vector<std::string> names;
  names.reserve(proposal.approvals.size());
  for (const auto& one : proposal.approvals) names.push_back(one.who);
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// A text that is made of others, as long as a reply's may be.
std::string fitting(std::string text) {
  text.resize(cut_utf8(text, max_text).size());
  return text;
}

// What comes after the second yes, where somebody else does it.
std::string how_it_is_done(const approval::Proposal& proposal) {
  if (approval::done_by(action_of(proposal)) == approval::DoneBy::gimsd) {
    return "Approved by two: gimsd may do it once, before its time is over.";
  }
  return "Approved by two. At the unit's terminal, before its time is over: gims-keyd person add "
         "\"" +
         std::string(proposal.body.begin(), proposal.body.end()) + "\" --approval " +
         std::to_string(proposal.id);
}

// In words. A change of administrators may be one that cannot be done any more.
std::string words_of(const approval::Proposal& proposal, const Registry& registry) {
  const auto text = approval::describe(action_of(proposal), proposal.body, registry);
  if (text) return *text;
  return std::string(name_of(action_of(proposal))) + ", which cannot be done: " + text.error().text;
}

}  // namespace

Result<Custodian::Deciders> Custodian::deciders() const {
  if (open_) {
    return Deciders{.registry = open_->administrators, .site = sha256({open_->record.site_root})};
  }
  GIMS_TRY_ASSIGN(const std::optional<Bytes> file, folder_.read(StateFolder::custody));
  if (!file) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "custody.bin is missing, and with it who may approve.");
  }
  auto record = decode_custody(*file);
  if (!record) {
    record.error().text = "custody.bin, which says who may approve: " + record.error().text;
    return pass(std::move(record));
  }
  GIMS_TRY_ASSIGN(Registry registry, registry_of(record->administrators));
  return Deciders{.registry = std::move(registry), .site = sha256({record->site_root})};
}

Result<> Custodian::check_decidable(Action action) const {
  // Without the root key nothing proves who the administrators are: what they can do then is what
  // whoever holds the disk can do anyway.
  if (state_ == State::operational || action == Action::zeroize) return {};
  return fail(ErrorKind::unavailable, "GIMS_KEYD_STATE",
              "The key custodian is " + std::string(name_of(state_)) +
                  ": two persons can only destroy its keys in this state.");
}

void Custodian::note(std::string_view act, const approval::Proposal& proposal, std::string actor,
                     std::string text) {
  const std::string target =
      std::string(name_of(action_of(proposal))) + " " + std::to_string(proposal.id);
  log::notice(log::id::two_persons, act, {{"ACTION", target + ": " + text}, {"WHO", actor}});
  const ActLog::Backing backing = acts_backing();
  acts_.add(open_ ? &backing : nullptr, {.id = 0,
                                         .time_ms = 0,
                                         .actor = std::move(actor),
                                         .act = std::string(act),
                                         .target = target,
                                         .text = std::move(text)});
}

ActLog::Backing Custodian::acts_backing() const {
  return {.folder = &folder_, .root_key = open_ ? &open_->root_key : nullptr};
}

ProposalReply Custodian::reply_of(const approval::Proposal& proposal,
                                  const Registry& registry) const {
  const auto left =
      std::chrono::duration_cast<std::chrono::seconds>(proposal.expires - clock_.steady());
  return {.id = proposal.id,
          .action = action_of(proposal),
          .body = proposal.body,
          .text = fitting(words_of(proposal, registry)),
          .challenge = proposal.challenge,
          .seconds_left = static_cast<std::uint32_t>(std::max<std::int64_t>(left.count(), 0)),
          .approved_by = names_in(proposal)};
}

Result<ProposalReply> Custodian::propose(const ProposeRequest& request) {
  GIMS_TRY(check_decidable(request.action));
  GIMS_TRY_ASSIGN(const Deciders now, deciders());
  GIMS_TRY_ASSIGN(std::string text,
                  of_approval(approval::describe(request.action, request.body, now.registry)));
  GIMS_TRY_ASSIGN(const approval::Proposal* const proposal,
                  of_approval(pending_.propose(static_cast<std::uint16_t>(request.action),
                                               request.body, approval::approvers, now.site)));
  note("approval.proposed", *proposal, "gims-keyd", std::move(text));
  return reply_of(*proposal, now.registry);
}

Result<std::vector<ProposalReply>> Custodian::proposals() {
  GIMS_TRY_ASSIGN(const Deciders now, deciders());
  std::vector<ProposalReply> all;
  for (const approval::Proposal& proposal : pending_.all()) {
    all.push_back(reply_of(proposal, now.registry));
  }
  return all;
}

const approval::Proposal* Custodian::pending(std::uint32_t id) {
  const auto all = pending_.all();
  const auto found = std::ranges::find(all, id, &approval::Proposal::id);
  return found == all.end() ? nullptr : &*found;
}

Result<> Custodian::withdraw(const WithdrawRequest& request) {
  GIMS_TRY_ASSIGN(const Deciders now, deciders());
  if (const approval::Proposal* const proposal = pending(request.id); proposal != nullptr) {
    note("approval.withdrawn", *proposal, "gims-keyd", words_of(*proposal, now.registry));
  }
  return of_approval(pending_.withdraw(request.id, now.registry));
}

Result<AdministratorsReply> Custodian::administrators() const {
  GIMS_TRY_ASSIGN(const Deciders now, deciders());
  return AdministratorsReply{.list = list_of(now.registry)};
}

Result<ApproveReply> Custodian::approve(const ApproveRequest& request) {
  GIMS_TRY_ASSIGN(const approval::Assertion assertion,
                  approval::decode_assertion(request.assertion));
  GIMS_TRY_ASSIGN(Deciders now, deciders());
  const approval::Proposal* const waiting = pending(request.id);
  // Where there is none, approving it says so.
  const approval::Proposal proposal = waiting == nullptr ? approval::Proposal{} : *waiting;
  if (waiting != nullptr) GIMS_TRY(check_decidable(action_of(proposal)));
  GIMS_TRY_ASSIGN(const std::size_t missing,
                  of_approval(pending_.approve(request.id, now.registry, assertion)));
  note("approval.given", proposal, "administrator " + assertion.who,
       words_of(proposal, now.registry));
  keep_counters(now.registry);
  if (missing > 0) return ApproveReply{.missing = static_cast<std::uint8_t>(missing), .text = {}};
  if (approval::done_by(action_of(proposal)) != approval::DoneBy::us) {
    return ApproveReply{.missing = 0, .text = fitting(how_it_is_done(proposal))};
  }
  // From here on it is gone, whatever becomes of it.
  GIMS_TRY_ASSIGN(const approval::Proposal taken,
                  of_approval(pending_.take(request.id, now.registry)));
  GIMS_TRY_ASSIGN(std::string text, carry_out(taken));
  return ApproveReply{.missing = 0, .text = fitting(std::move(text))};
}

Result<std::string> Custodian::carry_out(const approval::Proposal& proposal) {
  const std::string who = joined(names_in(proposal));
  auto done = [&]() -> Result<std::string> {
    if (action_of(proposal) == Action::administrators) {
      return change_administrators(proposal.body);
    }
    if (action_of(proposal) == Action::remove_person) return remove_person(proposal.body);
    GIMS_CHECK(action_of(proposal) == Action::zeroize);
    GIMS_TRY_ASSIGN(const ZeroizeRequest request, decode_zeroize_request(proposal.body));
    GIMS_TRY_ASSIGN(const ZeroizeReply zeroized, zeroize(request));
    if (zeroized.doubt.empty()) return "The keys are destroyed.";
    return "The files are removed. Whether the keys are destroyed is not certain: " +
           zeroized.doubt;
  }();
  if (!done) {
    note("approval.failed", proposal, who, done.error().text);
    return pass(of_approval(std::move(done)));
  }
  // Of a site that was zeroized there is no audit log any more.
  if (open_) note("approval.done", proposal, who, *done);
  return done;
}

Result<std::string> Custodian::change_administrators(BytesView body) {
  GIMS_TRY_ASSIGN(const approval::Change change, approval::decode_change(body));
  GIMS_TRY_ASSIGN(Registry after, approval::changed(open().administrators, change));
  GIMS_TRY(write_administrators(std::move(after)));
  return "Done: " + approval::describe(change) + ".";
}

void Custodian::keep_counters(const Registry& registry) {
  if (!open_ || registry == open_->administrators) return;
  // The yes counts all the same: a full disk must not keep a site from being zeroized.
  if (const auto kept = write_administrators(registry); !kept) {
    log::failure(log::id::counters_not_kept, "the authenticators' counters cannot be written",
                 kept.error());
    open_->administrators = registry;
  }
}

Result<> Custodian::write_administrators(Registry registry) {
  Open& site = open();
  CustodyRecord record = site.record;
  record.administrators = list_of(registry);
  ++record.number;
  GIMS_TRY(write_custody(record, site.root_key));
  site.record = std::move(record);
  site.administrators = std::move(registry);
  // It is done. What is missing of state.bin the next start makes up for (Freshness::resume).
  if (const auto noted = site.freshness->note_custody(backing(site)); !noted) {
    log::failure(log::id::counter_not_advanced, "state.bin was not written after custody.bin",
                 noted.error());
  }
  return {};
}

Result<RecoveryRecord> Custodian::finish_administrators(const Ceremony& ceremony) {
  const Envelope& envelope = ceremony.envelope();
  if (!equal_in_constant_time(envelope.root_key.bytes(), open().root_key.bytes())) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "The recovery file is not of this site's keys.");
  }
  GIMS_TRY_ASSIGN(approval::Registry registry, registry_of(ceremony.request().administrators));
  GIMS_TRY(write_administrators(std::move(registry)));
  // What the former ones proposed is theirs.
  pending_.clear();
  return *ceremony.record();
}

Bytes Custodian::administrators_after(const CeremonyRequest& request, const Former& former) {
  if (!request.administrators.empty()) return request.administrators;
  return former.custody ? former.custody->administrators : list_of({});
}

Result<approval::Proposal> Custodian::take_approved(std::uint32_t id, Action action,
                                                    BytesView body) {
  GIMS_TRY_ASSIGN(const Deciders now, deciders());
  const approval::Proposal* const proposal = pending(id);
  if (proposal != nullptr &&
      (action_of(*proposal) != action || !std::ranges::equal(proposal->body, body))) {
    return refused("The two persons decided about something else.");
  }
  return of_approval(pending_.take(id, now.registry));
}

Result<RedeemReply> Custodian::redeem(const RedeemRequest& request) {
  if (approval::done_by(request.action) != approval::DoneBy::gimsd) {
    return refused("This is not gimsd's to do.");
  }
  GIMS_TRY_ASSIGN(const approval::Proposal taken,
                  take_approved(request.id, request.action, request.body));
  RedeemReply reply{.approved_by = names_in(taken)};
  note("approval.done", taken, joined(reply.approved_by),
       "gimsd may " + words_of(taken, open().administrators));
  return reply;
}

Result<> Custodian::add_person(AddPersonRequest request) {
  const std::string& name = request.person.name;
  const BytesView body(reinterpret_cast<const std::uint8_t*>(name.data()), name.size());
  GIMS_TRY_ASSIGN(const approval::Proposal taken,
                  take_approved(request.approval, Action::add_person, body));
  const std::string who = joined(names_in(taken));
  if (auto added = add_attendant(std::move(request)); !added) {
    note("approval.failed", taken, who, added.error().text);
    return added;
  }
  note("approval.done", taken, who, words_of(taken, open().administrators));
  return {};
}

Result<std::string> Custodian::remove_person(BytesView body) {
  const std::string name(body.begin(), body.end());
  GIMS_TRY(remove_attendant(name));
  return "Removed: " + name + ".";
}

ActsReply Custodian::acts(const ActsRequest& request) {
  GIMS_CHECK(open_.has_value());
  return acts_.take(acts_backing(), request.taken);
}

}  // namespace gims::hsm
