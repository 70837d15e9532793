// Codes of enrolment: what an officer signs in with for the first time, from a slip of paper, in
// the place of a password. An account has one at most. It signs in one device, before it expires;
// then it is what that device shows once more as the old password when its owner chooses the own
// one (the account's must_change_password), and with that it goes. Stored as a keyed hash: it has
// 79 random bits, so that it needs no Argon2id, and ten thousand can be made at once.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/hash.hpp"
#include "store/store.hpp"

namespace gims::service {

// Thread: any.
class Enrolment {
 public:
  static constexpr std::chrono::milliseconds shortest_life{std::chrono::minutes(10)};
  static constexpr std::chrono::milliseconds usual_life{std::chrono::hours(24 * 7)};
  static constexpr std::chrono::milliseconds longest_life{std::chrono::hours(24 * 30)};
  // Wrong ones that an account with a code is told before the code is good for nothing: a person
  // who reads a slip needs fewer, and who guesses gets nowhere with more.
  static constexpr std::int64_t attempts = 20;

  // `key`: 32 bytes, of the token-hash key. The store outlives this.
  explicit Enrolment(SecretBytes key) noexcept : key_(std::move(key)) {}
  // Before the first request.
  void attach(store::Store& store) noexcept { store_ = &store; }

  // Four groups of four letters and digits, none of which is taken for another.
  [[nodiscard]] static Redacted make_code();
  // In the place of the account's code before. Part of an operation.
  [[nodiscard]] Result<> give(store::Transaction& transaction, std::string_view user_id,
                              const Redacted& code, Millis expires_ts) const;
  // Whether this is the account's code, and may be used: for a sign-in until it expires, or again
  // by the device that it signed in. What is wrong is counted before the answer. Small letters,
  // blanks and hyphens do not matter.
  void check(std::string user_id, Redacted given, std::move_only_function<void(Result<bool>)> done);
  // Part of the operation that signs a device in. False: it was used before.
  [[nodiscard]] static Result<bool> use(store::Transaction& transaction, std::string_view user_id);

 private:
  [[nodiscard]] Result<bool> check_now(store::Transaction& transaction, std::string_view user_id,
                                       const Redacted& given) const;
  [[nodiscard]] crypto::Digest hash(std::string_view user_id, std::string_view code) const;

  SecretBytes key_;
  store::Store* store_ = nullptr;
};

}  // namespace gims::service
