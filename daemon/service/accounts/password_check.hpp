// Is this the account's password? The one way to ask, so that guesses are counted wherever they are
// made: at sign-in and in user-interactive authentication alike.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "service/accounts/passwords.hpp"
#include "service/accounts/users.hpp"
#include "service/attempts.hpp"

namespace gims::service {

// Thread: any; the callbacks run on the threads of Passwords, or at once on the caller's.
class PasswordCheck {
 public:
  PasswordCheck(Users& users, Passwords& passwords, const Clock& clock,
                const Policy& policy) noexcept
      : users_(users),
        passwords_(passwords),
        limited_(policy.rate_limits),
        attempts_({.free = 5, .longest = std::chrono::minutes(5)}, clock) {}

  // Gives the account when the password is its own, in whatever state it is; nothing when it is
  // not, or there is no such account. M_LIMIT_EXCEEDED after many failures for one account from one
  // address: a stranger who guesses elsewhere does not lock the owner out. A try counts as failed
  // from its start until it has matched, so many at once are no way around the limit.
  void run(std::string user_id, std::string_view address, Redacted password,
           std::move_only_function<void(Result<std::optional<User>>)> done);

 private:
  Users& users_;
  Passwords& passwords_;
  const bool limited_;
  Attempts attempts_;  // by account and address
};

}  // namespace gims::service
