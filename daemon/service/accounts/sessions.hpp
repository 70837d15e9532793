// Signed-in devices: login, the check of every request's token, refresh, logout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "service/accounts/device_removal.hpp"
#include "service/accounts/password_check.hpp"
#include "service/accounts/tokens.hpp"
#include "service/accounts/users.hpp"

namespace gims::service {

// The user and device behind a token.
struct Session {
  std::string user_id;
  std::string device_id;
};

// Which accounts a request is open to. Each takes those before it too.
enum class Admit : std::uint8_t {
  ready,              // active, with a password of its owner's own
  suspended,          // also one that may read and not send
  choosing_password,  // also one whose password an administrator made, to be changed first
  all_but_closed,     // also a locked one
};

// Where a request came from, for "last seen".
struct Origin {
  std::string_view address;
  std::string_view agent;
};

struct LoginRequest {
  std::string user;  // localpart or whole id
  Redacted password;
  std::optional<std::string> device_id;
  std::optional<std::string> device_name;
  bool wants_refresh_token = false;
};

struct SignedIn {
  std::string user_id;
  std::string device_id;
  Redacted access_token;
  std::optional<Redacted> refresh_token;
  std::optional<std::chrono::milliseconds> expires_in;  // of the access token
};

// Thread: any. Register it with the store as a listener, so that its cache forgets what changed.
class Sessions final : public store::ChangeListener {
 public:
  Sessions(Tokens tokens, const Clock& clock, const Policy& policy) noexcept;
  // The store is opened with this listener in its list, so it comes second; before any request.
  void attach(store::Store& store, Users& users, PasswordCheck& password_check,
              DeviceRemoval& removal) noexcept;

  // M_FORBIDDEN for an unknown user as for a wrong password, and for a code that was used;
  // M_USER_DEACTIVATED, M_USER_LOCKED; M_LIMIT_EXCEEDED as PasswordCheck says.
  void login(LoginRequest request, Origin origin,
             std::move_only_function<void(Result<SignedIn>)> done);
  // A new device for an account whose owner is known to be there (registration).
  void sign_in(std::string user_id, LoginRequest request,
               std::move_only_function<void(Result<SignedIn>)> done);

  // M_UNKNOWN_TOKEN, with soft_logout where the token has expired; M_USER_LOCKED (also of a locked
  // device), M_USER_SUSPENDED, or M_FORBIDDEN while the password is to be changed, unless `admit`
  // takes such accounts. Reads memory, or one row.
  [[nodiscard]] Result<Session> authenticate(std::string_view token, Origin origin, Admit admit);

  // Spec, "Refreshing access tokens": the old pair ends when the new one is first used, so an
  // answer that got lost locks nobody out. M_UNKNOWN_TOKEN.
  void refresh(Redacted refresh_token, std::move_only_function<void(Result<SignedIn>)> done);

  // The device and its keys go with its tokens.
  void logout(Session session, std::move_only_function<void(Result<>)> done);
  void logout_all(std::string user_id, std::optional<std::string> except_device,
                  std::move_only_function<void(Result<>)> done);

  void committed(store::StreamId position,
                 std::span<const store::Change> changes) noexcept override;

 private:
  struct Known {
    Session session;
    UserState state = UserState::active;
    bool must_change_password = false;
    bool device_locked = false;
    std::optional<Millis> expires_ts;
    Millis touched_ts = 0;  // when "last seen" was last written
  };
  struct HashOfHash {
    std::size_t operator()(const TokenHash& hash) const noexcept;
  };

  // `by_code`: the owner showed the code of a slip, which is good for one sign-in.
  void enter(std::string user_id, bool by_code, LoginRequest request,
             std::move_only_function<void(Result<SignedIn>)> done);
  [[nodiscard]] Result<SignedIn> issue(store::Transaction& transaction, std::string user_id,
                                       std::string device_id, bool with_refresh,
                                       std::optional<TokenHash> predecessor);
  [[nodiscard]] Result<Known> load(const TokenHash& hash, Origin origin);
  // A device that was lost has come with one of its tokens, and is told that it is none.
  void note_wiped(const TokenHash& hash, std::string address);
  void end_predecessor(std::string user_id, std::string device_id, std::string refresh_hash);
  void touch(const Session& session, Origin origin, Millis now);

  Tokens tokens_;
  const Clock& clock_;
  const Policy& policy_;
  store::Store* store_ = nullptr;
  Users* users_ = nullptr;
  PasswordCheck* password_check_ = nullptr;
  DeviceRemoval* removal_ = nullptr;

  std::mutex mutex_;
  // Bounded: emptied when full, as it is a cache.
  std::unordered_map<TokenHash, Known, HashOfHash> known_;
  // Counts commits that forgot something, so that a row read before one is not cached after it.
  std::uint64_t forgettings_ = 0;
};

}  // namespace gims::service
