// Passwords: Argon2id on a few threads of its own, because one hash takes tens of milliseconds and
// megabytes of memory, and a crowd that signs in must not take the machine's.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "service/policy.hpp"

namespace gims::service {

// Thread: any; the callbacks run on the pool's threads.
class Passwords {
 public:
  struct Keys {
    SecretBytes pepper;  // mixed in before Argon2id, so that a stolen hash alone cannot be tried
    SecretBytes data;    // seals the stored hash
  };
  // At most `queue` wait; more are refused with M_LIMIT_EXCEEDED.
  Passwords(Keys keys, PasswordCost cost, unsigned threads, std::size_t queue);
  Passwords(const Passwords&) = delete;
  Passwords& operator=(const Passwords&) = delete;
  ~Passwords();  // as stop()

  // Gives what users.password_hash holds: the Argon2id string, sealed for this user.
  void hash(std::string user_id, Redacted password,
            std::move_only_function<void(Result<std::string>)> done);
  // True when the password is the stored one. Without a stored one the same work is done for
  // nothing, so that the time does not tell which accounts exist.
  void verify(std::string user_id, Redacted password, std::optional<std::string> stored,
              std::move_only_function<void(Result<bool>)> done);

  // What waits is still done and its callbacks have returned when this does; what comes later is
  // refused. Before whatever the callbacks use goes. Idempotent, by one thread.
  void stop();

  // M_WEAK_PASSWORD unless it is long enough and not too long to be hashed.
  [[nodiscard]] static Result<> check_strength(std::string_view password, std::size_t shortest);

 private:
  void enqueue(std::move_only_function<void()> job, std::move_only_function<void(Error)> refused);
  void work() noexcept;
  [[nodiscard]] Result<std::string> hash_now(std::string_view user_id, const Redacted& password);
  [[nodiscard]] Result<bool> verify_now(std::string_view user_id, const Redacted& password,
                                        const std::optional<std::string>& stored);

  Keys keys_;
  PasswordCost cost_;
  std::size_t queue_limit_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::move_only_function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gims::service
