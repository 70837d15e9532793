// Accounts: made by an administrator, locked, deactivated, never deleted, so that an id is
// not given to a second person.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "service/accounts/actor.hpp"
#include "service/accounts/passwords.hpp"
#include "service/policy.hpp"
#include "store/store.hpp"

namespace gims::service {

enum class UserState : std::uint8_t {
  active,
  suspended,    // may read, and may not change what others see (M_USER_SUSPENDED)
  locked,       // may do nothing but sign out (M_USER_LOCKED); sessions stay
  deactivated,  // for good
};
[[nodiscard]] std::string_view name_of(UserState state) noexcept;
[[nodiscard]] Result<UserState> user_state_named(std::string_view name);

struct User {
  std::string user_id;
  std::optional<std::string> password_hash;  // sealed; see Passwords
  Millis created_ts = 0;
  UserState state = UserState::active;
  bool must_change_password = false;
  bool by_code = false;  // of PasswordCheck: it was the code of a slip that fitted
};

struct NewUser {
  std::string localpart;
  std::optional<Redacted> password;  // nothing: its owner comes in by a slip (slips.hpp)
  std::optional<std::string> display_name;
  bool must_change_password = false;
  std::string detail = "{}";  // for the audit log, JSON
  // What else is made with it, in the same operation; nothing where there is none.
  std::move_only_function<Result<>(store::Transaction&, std::string_view user_id)> more = nullptr;
};

// A name as somebody registers it: A to Z become a to z, as Synapse does it and its clients expect
// (spec: appendices, "Mapping from other character sets"). What an administrator gives stays as it
// is, and is refused.
[[nodiscard]] std::string registered_localpart(std::string_view name);

// Thread: any.
class Users {
 public:
  Users(store::Store& store, Passwords& passwords, const Policy& policy) noexcept
      : store_(store), passwords_(passwords), policy_(policy) {}

  // "@localpart:server" for a localpart or a whole id of this server; M_INVALID_USERNAME otherwise.
  [[nodiscard]] Result<std::string> full_id(std::string_view localpart_or_id) const;
  // The id of an account that may be made. M_INVALID_USERNAME.
  [[nodiscard]] Result<std::string> new_id(std::string_view localpart) const;
  [[nodiscard]] Result<std::optional<User>> find(std::string_view user_id);
  [[nodiscard]] Result<bool> exists(std::string_view user_id);

  // Makes the account; gives its id. M_USER_IN_USE, M_INVALID_USERNAME, M_WEAK_PASSWORD.
  // `actor`: whom the audit log names; nothing: a test site's open registration, not an act of
  // administration.
  void create(NewUser user, std::optional<Actor> actor,
              std::move_only_function<void(Result<std::string>)> done);
  // What else ends, as a part of the operation: with an account that is deactivated, its rooms and
  // devices; with a password that an administrator resets, its devices. Set before the first
  // request.
  using EndOfAccount = std::function<Result<>(store::Transaction&, std::string_view user_id)>;
  void at_deactivation(EndOfAccount part) { end_of_account_ = std::move(part); }
  void at_reset(EndOfAccount part) { end_of_devices_ = std::move(part); }
  // M_NOT_FOUND where there is none. M_USER_DEACTIVATED: such accounts stay so. GIMS_STATE where it
  // is in this state already. `reason`: for the audit log; may be empty.
  void set_state(std::string user_id, UserState state, std::string reason, Actor actor,
                 std::move_only_function<void(Result<>)> done);
  void set_state(std::string user_id, UserState state, Actor actor,
                 std::move_only_function<void(Result<>)> done) {
    set_state(std::move(user_id), state, {}, std::move(actor), std::move(done));
  }
  // All sessions end, and there is no password any more: its owner comes back by a slip.
  void take_password(std::string user_id, std::string reason, Actor actor,
                     std::move_only_function<void(Result<>)> done);
  // The owner's own change. M_NOT_FOUND, M_WEAK_PASSWORD.
  void set_password(std::string user_id, Redacted password,
                    std::move_only_function<void(Result<>)> done);
  // An administrator's: every session of the account ends with the old password. M_NOT_FOUND,
  // M_WEAK_PASSWORD; M_FORBIDDEN for a deactivated account.
  void reset_password(std::string user_id, Redacted password, bool must_change, Actor actor,
                      std::move_only_function<void(Result<>)> done);
  struct Counts {
    std::int64_t active = 0;
    std::int64_t suspended = 0;
    std::int64_t locked = 0;
    std::int64_t deactivated = 0;
  };
  [[nodiscard]] Result<Counts> count();

  struct Found {
    std::string user_id;
    std::optional<std::string> display_name;
    std::optional<std::string> avatar_url;
  };
  struct FoundPage {
    std::vector<Found> users;
    bool limited = false;
  };
  [[nodiscard]] Result<FoundPage> search(std::string_view term, std::string_view self,
                                         std::int64_t limit);

 private:
  struct NewPassword {
    std::string user_id;
    Redacted password;
    bool must_change;
    std::optional<Actor> actor;  // an administrator
  };
  void insert(NewUser user, std::string user_id, std::optional<std::string> hash,
              std::optional<Actor> actor, std::move_only_function<void(Result<std::string>)> done);
  void store_password(NewPassword change, std::move_only_function<void(Result<>)> done);

  store::Store& store_;
  Passwords& passwords_;
  const Policy& policy_;
  EndOfAccount end_of_account_;
  EndOfAccount end_of_devices_;
};

}  // namespace gims::service
