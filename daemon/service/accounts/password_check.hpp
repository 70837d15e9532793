// Is this the account's password? The one way to ask, so that guesses are counted wherever they are
// made: at sign-in and in user-interactive authentication alike.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "service/accounts/passwords.hpp"
#include "service/accounts/slips.hpp"
#include "service/accounts/users.hpp"

namespace gims::service {

// Thread: any; the callbacks run on the threads of Passwords, or at once on the caller's.
class PasswordCheck {
 public:
  PasswordCheck(Users& users, Passwords& passwords, const Clock& clock,
                const Policy& policy) noexcept
      : users_(users), passwords_(passwords), clock_(clock), policy_(policy) {}

  // What is not the password may be the code of the account's slip. Set before the first request;
  // without it no code is taken.
  void take_codes(Slips& slips) noexcept { slips_ = &slips; }

  // Gives the account when the password is its own, in whatever state it is; nothing when it is
  // not, or there is no such account. M_LIMIT_EXCEEDED after many failures for one account from one
  // address: a stranger who guesses elsewhere does not lock the owner out. A try counts as failed
  // from its start until it has matched, so many at once are no way around the limit.
  void run(std::string user_id, std::string_view address, Redacted password,
           std::move_only_function<void(Result<std::optional<User>>)> done);

 private:
  struct Failures {
    unsigned count = 0;
    std::chrono::steady_clock::time_point last;
    [[nodiscard]] std::chrono::steady_clock::time_point over() const noexcept;
  };
  [[nodiscard]] Result<> begin(const std::string& key);
  void matched(const std::string& key);
  using Done = std::move_only_function<void(Result<std::optional<User>>)>;
  // What the slips say of it, after it was not the password.
  void take_code(const std::string& key, std::optional<User> user, const Result<bool>& fits,
                 Done done);
  // The try came to no verdict.
  void undo(const std::string& key);
  void make_room();

  Users& users_;
  Passwords& passwords_;
  const Clock& clock_;
  const Policy& policy_;
  Slips* slips_ = nullptr;
  std::mutex mutex_;
  // By account and address. Bounded: forgets whoever has waited long enough, or else the one whose
  // wait is over first.
  std::unordered_map<std::string, Failures> failures_;
};

}  // namespace gims::service
