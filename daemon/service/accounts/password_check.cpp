#include "service/accounts/password_check.hpp"

#include <algorithm>
#include <utility>

namespace gims::service {
namespace {

constexpr std::size_t failures_limit = 16384;
// Failures that cost nothing; each one more doubles the wait, up to a limit that a patient owner
// can still sit out.
constexpr unsigned free_failures = 5;
constexpr std::chrono::seconds longest_wait{300};

}  // namespace

std::chrono::steady_clock::time_point PasswordCheck::Failures::over() const noexcept {
  if (count < free_failures) return last;
  std::chrono::seconds wait{1};
  for (unsigned i = free_failures; i < count && wait < longest_wait; ++i) wait *= 2;
  return last + std::min(wait, longest_wait);
}

void PasswordCheck::run(std::string user_id, std::string_view address, Redacted password,
                        std::move_only_function<void(Result<std::optional<User>>)> done) {
  std::string key = user_id + " " + std::string(address);
  if (auto allowed = begin(key); !allowed) return done(pass(std::move(allowed)));
  auto user = users_.find(user_id);
  if (!user) {
    undo(key);
    return done(pass(std::move(user)));
  }
  std::optional<std::string> stored;
  if (*user) stored = (*user)->password_hash;
  std::optional<Redacted> code;
  if (slips_ != nullptr) code = Redacted(std::string(password.reveal()));
  std::string asked_for = user_id;
  passwords_.verify(
      std::move(user_id), std::move(password), std::move(stored),
      [this, key = std::move(key), user = std::move(*user), code = std::move(code),
       asked_for = std::move(asked_for), done = std::move(done)](Result<bool> verdict) mutable {
        if (!verdict) {
          undo(key);
          return done(pass(std::move(verdict)));
        }
        if (*verdict) {
          matched(key);
          return done(std::move(user));
        }
        if (!code) return done(std::optional<User>());
        // Also where there is no such account, so that the time does not tell.
        slips_->check(std::move(asked_for), std::move(*code),
                      [this, key = std::move(key), user = std::move(user),
                       done = std::move(done)](Result<bool> fits) mutable {
                        take_code(key, std::move(user), fits, std::move(done));
                      });
      });
}

void PasswordCheck::take_code(const std::string& key, std::optional<User> user,
                              const Result<bool>& fits, Done done) {
  if (!fits) {
    undo(key);
    return done(std::unexpected(fits.error()));
  }
  if (!*fits || !user) return done(std::optional<User>());
  matched(key);
  user->by_code = true;
  done(std::move(user));
}

Result<> PasswordCheck::begin(const std::string& key) {
  if (!policy_.rate_limits) return {};
  const auto now = clock_.steady();
  const std::lock_guard lock(mutex_);
  if (failures_.size() >= failures_limit && !failures_.contains(key)) make_room();
  Failures& failures = failures_[key];
  if (const auto over = failures.over(); failures.count > 0 && over > now) {
    return std::unexpected(
        Error{.kind = ErrorKind::rate_limited,
              .code = "M_LIMIT_EXCEEDED",
              .text = "Too many wrong passwords. Please wait, then try again.",
              .detail = {},
              .retry_after = std::chrono::ceil<std::chrono::milliseconds>(over - now),
              .extra_json = {}});
  }
  ++failures.count;
  failures.last = now;
  return {};
}

void PasswordCheck::matched(const std::string& key) {
  const std::lock_guard lock(mutex_);
  failures_.erase(key);
}

void PasswordCheck::undo(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = failures_.find(key);
  if (found != failures_.end() && --found->second.count == 0) failures_.erase(found);
}

void PasswordCheck::make_room() {
  const auto now = clock_.steady();
  std::erase_if(failures_, [&](const auto& entry) { return entry.second.over() <= now; });
  if (failures_.size() < failures_limit) return;
  failures_.erase(std::ranges::min_element(failures_, {},
                                           [](const auto& entry) { return entry.second.over(); }));
}

}  // namespace gims::service
