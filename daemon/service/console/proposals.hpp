// What takes two administrators, at the console: gims-keyd keeps what is proposed, makes the
// challenge and verifies each yes itself. Here is who proposed it and what became of it, in memory
// and for a day; the audit log has all of it for good.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "hsm/approval/assertion.hpp"
#include "service/console/keyd.hpp"
#include "service/console/sessions.hpp"
#include "service/two_persons.hpp"
#include "store/store.hpp"

namespace gims::service::console {

inline constexpr std::size_t most_proposals_known = 64;

enum class ProposalState : std::uint8_t { waiting, approved, done, failed, withdrawn, expired };
[[nodiscard]] std::string_view name_of(ProposalState state) noexcept;

struct ProposalShown {
  std::uint32_t id = 0;
  hsm::ProposeRequest request;
  std::string text;         // gims-keyd's
  std::string proposed_by;  // of one that was proposed elsewhere: gims-keyd
  Millis proposed_ts = 0;
  Millis expires_ts = 0;
  ProposalState state = ProposalState::waiting;
  std::vector<std::string> approved_by;
  hsm::approval::Challenge challenge{};
  bool redeemable = false;
  std::string outcome;
};

// What a person's security key is asked to sign.
struct ApprovalAsked {
  hsm::approval::Challenge challenge{};
  std::string key;  // base64url
};

struct ProposalApproved {
  std::uint8_t missing = 0;
  std::string text;
  ProposalShown proposal;
};

// Thread: any; the callbacks run on Keyd's, or the caller's.
class Proposals {
 public:
  Proposals(store::Store& store, Keyd& keyd, TwoPersons& two_persons, std::string site,
            const Clock& clock) noexcept
      : store_(store),
        keyd_(keyd),
        two_persons_(two_persons),
        site_(std::move(site)),
        clock_(clock) {}
  [[nodiscard]] const std::string& site() const noexcept { return site_; }

  template <class T>
  using Done = std::move_only_function<void(Result<T>)>;

  void propose(const Session& session, hsm::ProposeRequest request, Done<ProposalShown> done);
  // The oldest first.
  void list(Done<std::vector<ProposalShown>> done);
  // These fail with GIMS_APPROVAL_PENDING where there is none that waits.
  void find(std::uint32_t id, Done<ProposalShown> done);
  void withdraw(const Session& session, std::uint32_t id, Done<void> done);
  // GIMS_APPROVAL_ROLE, GIMS_APPROVAL_TWICE; GIMS_STATE for whose key is one of a file.
  void ask(const Session& session, std::uint32_t id, Done<ApprovalAsked> done);
  // The assertion of the session's person: who it says it is of is not looked at. Likewise, and
  // GIMS_APPROVAL_ASSERTION, GIMS_APPROVAL_COUNTER with gims-keyd's words.
  void approve(const Session& session, std::uint32_t id, hsm::approval::Assertion assertion,
               Done<ProposalApproved> done);
  // Does what two approved and gimsd carries out, once. GIMS_APPROVAL_QUORUM.
  void redeem(const Session& session, std::uint32_t id, Done<ProposalShown> done);

 private:
  template <class T>
  using Work = std::move_only_function<Result<T>(KeydApprovals&)>;
  template <class T>
  void on_keyd(Work<T> work, Done<T> done);
  // Of Keyd's thread alone:
  [[nodiscard]] Result<> look(KeydApprovals& keyd);
  [[nodiscard]] Result<ProposalShown*> waiting(KeydApprovals& keyd, std::uint32_t id);
  [[nodiscard]] Result<hsm::approval::Administrator> may_approve(const Session& session,
                                                                 const ProposalShown& proposal);
  ProposalShown& note(const hsm::ProposalReply& reply, std::string_view by);
  [[nodiscard]] Result<> enter(const Session& session, std::string_view act,
                               const ProposalShown& proposal);
  [[nodiscard]] ProposalShown* known(std::uint32_t id);

  store::Store& store_;
  Keyd& keyd_;
  TwoPersons& two_persons_;
  const std::string site_;
  const Clock& clock_;
  std::deque<ProposalShown> known_;  // of Keyd's thread
};

}  // namespace gims::service::console
