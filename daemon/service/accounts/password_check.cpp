#include "service/accounts/password_check.hpp"

#include <utility>

namespace gims::service {

void PasswordCheck::run(std::string user_id, std::string_view address, Redacted password,
                        std::move_only_function<void(Result<std::optional<User>>)> done) {
  std::string key = user_id + " " + std::string(address);
  if (limited_) {
    if (auto allowed = attempts_.begin(key); !allowed) return done(pass(std::move(allowed)));
  }
  auto user = users_.find(user_id);
  if (!user) {
    attempts_.undo(key);
    return done(pass(std::move(user)));
  }
  std::optional<std::string> stored;
  if (*user) stored = (*user)->password_hash;
  passwords_.verify(std::move(user_id), std::move(password), std::move(stored),
                    [this, key = std::move(key), user = std::move(*user),
                     done = std::move(done)](Result<bool> verdict) mutable {
                      if (!verdict) {
                        attempts_.undo(key);
                        return done(pass(std::move(verdict)));
                      }
                      if (!*verdict) return done(std::optional<User>());
                      attempts_.matched(key);
                      done(std::move(user));
                    });
}

}  // namespace gims::service
