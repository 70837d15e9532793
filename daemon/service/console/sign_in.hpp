// Signing in to the console: a passphrase, then a second factor; and the same once more before a
// sensitive act.
//
// Nothing that is answered tells whether a name is there, or which part was wrong. What was refused
// is in the audit log, up to a bound; beyond it it is counted, and the count is in the next entry.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "service/accounts/passwords.hpp"
#include "service/attempts.hpp"
#include "service/console/enrolment.hpp"
#include "service/console/keyd.hpp"
#include "service/console/means.hpp"
#include "service/console/role.hpp"
#include "service/console/sessions.hpp"
#include "service/console/steps.hpp"
#include "service/policy.hpp"
#include "store/store.hpp"

namespace gims::service::console {

// The id that Passwords seals a passphrase under: no user's, as those begin with '@'.
[[nodiscard]] std::string passphrase_id(std::string_view name);

// What the second step needs.
struct SecondStep {
  Redacted token;
  Millis expires_ts = 0;
  std::vector<FactorKind> factors;  // empty: one is to be registered
  std::vector<std::string> keys;    // ids of the security keys, base64url
  hsm::approval::Challenge challenge{};
};

// A session as it is shown to who has it.
struct SessionStanding {
  Session session;
  Roles roles;
  Standing standing;
};
struct ConsoleSignedIn {
  Redacted cookie;
  SessionStanding is;
};

// Thread: any; the callbacks run on those of Passwords and the store's writer, or the caller's.
class SignIn {
 public:
  SignIn(store::Store& store, Passwords& passwords, Keyd& keyd, Sessions& sessions, Steps& steps,
         const Means& means, const Policy& policy, const Clock& clock) noexcept;

  template <class T>
  using Done = std::move_only_function<void(Result<T>)>;

  // M_FORBIDDEN; M_LIMIT_EXCEEDED after wrong ones; GIMS_EXPIRED for an invited person who
  // registered no factor in time.
  void start(std::string name, Redacted passphrase, Where where, Done<SecondStep> done);
  // By an invitation's code, which is used up, and with it sets the passphrase. M_WEAK_PASSWORD,
  // M_FORBIDDEN.
  void accept(std::string name, std::string code, Redacted passphrase, Where where,
              Done<SecondStep> done);
  // M_FORBIDDEN, GIMS_EXPIRED, GIMS_APPROVAL_COUNTER.
  void finish(std::string token, Factor factor, Where where, Done<ConsoleSignedIn> done);
  // A person without a factor registers the first, and is signed in by it.
  [[nodiscard]] Result<FactorOptions> begin_enrolment(std::string_view token, FactorKind kind,
                                                      const Where& where);
  void enrol(std::string token, NewFactor factor, Where where, Done<ConsoleSignedIn> done);

  // Of who is signed in.
  void start_fresh(const Session& session, Redacted passphrase, Done<SecondStep> done);
  void finish_fresh(const Session& session, std::string token, Factor factor,
                    Done<SessionStanding> done);
  void sign_out(const Session& session, Done<void> done);
  // One's own, or anybody's for `any`. M_NOT_FOUND.
  void revoke(const Session& session, std::string session_id, bool any, Done<void> done);
  // A cookie came from elsewhere: it was stolen.
  void note_moved(const Session& session, const Where& now);

 private:
  void check_passphrase(std::string name, Redacted passphrase, Where where, Done<Standing> done);
  // Enters it and answers.
  template <class T>
  void refuse(std::string_view name, const Where& where, std::string_view reason, Done<T> done);
  [[nodiscard]] Result<> enter_refusal(store::Transaction& transaction, std::string_view name,
                                       const Where& where, std::string_view reason);
  [[nodiscard]] SecondStep begin_step(StepTo to, std::string name, Where where, std::string session,
                                      const Standing& standing);
  // An operation by which a factor is shown or registered, and whether it was.
  using Work = std::move_only_function<Result<bool>(store::Transaction&)>;
  void try_factor(std::string name, Where where, Work work, Done<Standing> done);
  [[nodiscard]] bool may_sign_in(std::string_view name, const Account& account);
  // What a step's security key had to sign; of a code nothing.
  [[nodiscard]] Result<hsm::approval::Challenge> challenge_of(std::string_view token,
                                                              FactorKind kind);
  [[nodiscard]] static Result<> enter_sign_in(store::Transaction& transaction,
                                              std::string_view name, const Where& where,
                                              FactorKind kind);
  // Ends the step and begins the session, where the outcome is good.
  [[nodiscard]] Done<Standing> opening(std::string token, std::string name, Where where,
                                       FactorKind kind, Done<ConsoleSignedIn> done);
  [[nodiscard]] SessionStanding standing(Session session, Standing standing);

  store::Store& store_;
  Passwords& passwords_;
  Keyd& keyd_;
  Sessions& sessions_;
  Steps& steps_;
  const Means& means_;
  const Policy& policy_;
  const Clock& clock_;
  Attempts by_name_and_address_;
  Attempts by_name_;
  Attempts factors_;  // by name: who tries them has the passphrase

  // How many entries of refusals there may be.
  std::mutex refusals_mutex_;
  std::chrono::steady_clock::time_point refusals_full_at_{};
  std::uint64_t refusals_left_out_ = 0;
};

}  // namespace gims::service::console
