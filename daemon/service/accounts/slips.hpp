// Slips: a code on paper, with which an officer signs in for the first time in the place of a
// password. The newest slip of an account counts. Its code signs in one device, before it expires;
// then it is what that device shows once more as the old password when its owner chooses their own
// (the account's must_change_password), and with that it is over. Stored as a keyed hash: a code
// has 77 random bits, so that it needs no Argon2id.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/hash.hpp"
#include "service/accounts/actor.hpp"
#include "store/store.hpp"

namespace gims::service {

enum class SlipState : std::uint8_t {
  outstanding,
  used,
  expired,
  revoked,  // by hand, by the next slip or a password, or after too many wrong tries
};
[[nodiscard]] std::string_view name_of(SlipState state) noexcept;

struct Slip {
  std::int64_t slip_id = 0;
  std::string user_id;
  std::optional<std::string> display_name;
  SlipState state = SlipState::outstanding;
  std::string made_by;
  Millis made_ts = 0;
  Millis expires_ts = 0;
};

// What is printed, once.
struct SlipWithCode {
  std::int64_t slip_id = 0;
  std::string user_id;
  Redacted code;
  Millis expires_ts = 0;
};

// Thread: any.
class Slips {
 public:
  static constexpr std::chrono::milliseconds shortest_life{std::chrono::hours(1)};
  static constexpr std::chrono::milliseconds longest_life{std::chrono::hours(720)};
  static constexpr std::size_t most_at_once = 50;
  // Wrong tries after which a slip is good for nothing: who reads it needs fewer, and who guesses
  // gets nowhere with more.
  static constexpr std::int64_t attempts = 20;

  // The key for codes, of the one that hides tokens.
  [[nodiscard]] static Result<SecretBytes> key_of(const SecretBytes& token_hash_key);
  Slips(SecretBytes key, const Clock& clock) noexcept : key_(std::move(key)), clock_(clock) {}
  // The store outlives this. Before the first request.
  void attach(store::Store& store) noexcept { store_ = &store; }

  // For accounts that are there and open, each in the place of the slip that it had; all or none.
  // An account that has a password keeps it, until the code is used. M_INVALID_PARAM, M_NOT_FOUND,
  // M_USER_DEACTIVATED.
  void make(std::vector<std::string> user_ids, std::chrono::milliseconds life, Actor actor,
            std::move_only_function<void(Result<std::vector<SlipWithCode>>)> done);
  // M_NOT_FOUND; GIMS_STATE unless it is outstanding.
  void revoke(std::int64_t slip_id, Actor actor, std::move_only_function<void(Result<>)> done);
  // The newest first; those before a number.
  struct Page {
    std::vector<Slip> slips;
    std::optional<std::int64_t> next;
  };
  [[nodiscard]] Result<Page> page(std::optional<std::int64_t> before,
                                  std::optional<SlipState> state, std::int64_t count);
  // The account's newest.
  [[nodiscard]] Result<std::optional<Slip>> of_user(std::string_view user_id);

  // Whether this is the code of the account's slip, and may be used: for a sign-in until it
  // expires, or again by the device that it signed in. What is wrong is counted before the answer.
  // Small letters, blanks and hyphens do not matter.
  void check(std::string user_id, Redacted given, std::move_only_function<void(Result<bool>)> done);
  // Part of the operation that signs a device in: from now on the account has no other password,
  // and that one is to be changed. False: it was used before.
  [[nodiscard]] static Result<bool> use(store::Transaction& transaction, std::string_view user_id);

 private:
  [[nodiscard]] Result<SlipWithCode> make_one(store::Transaction& transaction,
                                              const std::string& user_id, Millis expires_ts,
                                              const Actor& actor) const;
  [[nodiscard]] Result<bool> check_now(store::Transaction& transaction, std::string_view user_id,
                                       const Redacted& given) const;
  [[nodiscard]] crypto::Digest hash(std::string_view user_id, std::string_view code) const;

  SecretBytes key_;
  const Clock& clock_;
  store::Store* store_ = nullptr;
};

}  // namespace gims::service
