// User-interactive authentication (spec: client-server API, "User-Interactive Authentication API").
// The state of unfinished sessions is in memory: they last minutes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "json/value.hpp"
#include "service/accounts/password_check.hpp"
#include "service/accounts/users.hpp"

namespace gims::service {

// The one stage that a flow has here.
enum class AuthStage : std::uint8_t { password, dummy };

// Thread: any.
class InteractiveAuth {
 public:
  InteractiveAuth(Users& users, PasswordCheck& password_check, const Clock& clock,
                  const Policy& policy) noexcept
      : users_(users), password_check_(password_check), clock_(clock), policy_(policy) {}

  // Calls `done` with success when `auth` (the body's "auth" member) completes the stage, for the
  // user and the operation ("POST /account/password") that its session was made for. Otherwise with
  // an `unauthenticated` error whose extra_json is the spec's answer: flows, params, session,
  // and "completed". The code is empty when nothing was tried yet. `address` is the client's;
  // M_LIMIT_EXCEEDED as PasswordCheck says.
  void check(AuthStage stage, std::string user_id, std::string_view address,
             std::string_view operation, json::Value auth,
             std::move_only_function<void(Result<>)> done);

 private:
  struct Open {
    std::string user_id;
    std::string operation;
    std::chrono::steady_clock::time_point expires;
  };
  [[nodiscard]] std::string open(std::string_view user_id, std::string_view operation);
  [[nodiscard]] bool is_open(std::string_view session, std::string_view user_id,
                             std::string_view operation);
  void close(const std::string& session);

  Users& users_;
  PasswordCheck& password_check_;
  const Clock& clock_;
  const Policy& policy_;
  std::mutex mutex_;
  std::unordered_map<std::string, Open> sessions_;  // bounded; the oldest goes when it is full
};

}  // namespace gims::service
