// How administrators sign in to the console: who was invited, who is locked out, and one's own
// passphrase and factors. Who is an administrator at all, with which roles, two persons decide in
// gims-keyd.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "service/accounts/passwords.hpp"
#include "service/accounts/users.hpp"
#include "service/console/enrolment.hpp"
#include "service/console/keyd.hpp"
#include "service/console/means.hpp"
#include "service/console/role.hpp"
#include "service/console/sessions.hpp"
#include "service/console/steps.hpp"
#include "service/policy.hpp"
#include "store/store.hpp"

namespace gims::service::console {

enum class SignInState : std::uint8_t { none, invited, active, locked };
[[nodiscard]] std::string_view name_of(SignInState state) noexcept;

struct AdministratorShown {
  hsm::approval::Administrator person;
  std::string fingerprint;  // of the key, as gims-keyd's own texts name it
  bool approves = false;
  SignInState state = SignInState::none;
  std::vector<FactorKind> factors;
  std::size_t sessions = 0;
  std::optional<Millis> last_sign_in_ts;
};

struct Invitation {
  std::string name;
  Redacted code;
  Millis expires_ts = 0;
};

struct Me {
  std::string name;
  Roles roles;
  Standing standing;
};

// Thread: any; the callbacks run on the store's writer's, or that of Passwords.
class Administrators {
 public:
  Administrators(store::Store& store, Passwords& passwords, Keyd& keyd, Sessions& sessions,
                 Steps& steps, const Means& means, const Policy& policy) noexcept
      : store_(store),
        passwords_(passwords),
        keyd_(keyd),
        sessions_(sessions),
        steps_(steps),
        means_(means),
        policy_(policy) {}

  template <class T>
  using Done = std::move_only_function<void(Result<T>)>;

  [[nodiscard]] Result<std::vector<AdministratorShown>> list();
  // A code to set passphrase and second factor with, once, within a day. Those of before, and every
  // session, end with it; a lock stays. Who has a security key in gims-keyd signs in with that, and
  // registers none by the code: an invitation alone makes nobody them. GIMS_APPROVAL_UNKNOWN.
  void invite(std::string name, Actor actor, Done<Invitation> done);
  // GIMS_APPROVAL_UNKNOWN; GIMS_STATE where nobody else could sign in after it, or for who never
  // was invited.
  void set_locked(std::string name, bool locked, std::string reason, Actor actor, Done<void> done);

  [[nodiscard]] Result<Me> me(const Session& session);
  // The other sessions end with the old one. M_WEAK_PASSWORD.
  void set_passphrase(const Session& session, Redacted passphrase, Done<void> done);
  void set_language(const Session& session, std::string language, Done<void> done);
  [[nodiscard]] Result<FactorOptions> begin_factor(const Session& session, FactorKind kind);
  // M_FORBIDDEN, GIMS_EXPIRED, GIMS_STATE.
  void add_factor(const Session& session, NewFactor factor, Done<Me> done);
  // M_NOT_FOUND; GIMS_STATE for the last one.
  void remove_key(const Session& session, std::string credential_id, Done<void> done);
  void remove_totp(const Session& session, Done<void> done);

 private:
  [[nodiscard]] Result<Me> me_in(sql::Connection& sql, const Session& session);

  store::Store& store_;
  Passwords& passwords_;
  Keyd& keyd_;
  Sessions& sessions_;
  Steps& steps_;
  const Means& means_;
  const Policy& policy_;
};

}  // namespace gims::service::console
