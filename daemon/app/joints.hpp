// Where one part fills the interface that another states.
#pragma once

#include "api/gate.hpp"
#include "service/accounts/profiles.hpp"
#include "service/accounts/sessions.hpp"
#include "service/console/keyd.hpp"
#include "service/console/sessions.hpp"
#include "service/console/sign_in.hpp"
#include "service/rooms/rooms.hpp"

namespace gims::app {

// Tokens of the gate are looked up by the sessions.
class SessionAuthenticator final : public api::Authenticator {
 public:
  explicit SessionAuthenticator(service::Sessions& sessions) noexcept : sessions_(sessions) {}
  [[nodiscard]] Result<api::Caller> authenticate(std::string_view token, api::Auth auth,
                                                 const http::Request& request) override;

 private:
  service::Sessions& sessions_;
};

// Cookies at the console's door: a session, and a person whom gims-keyd still has.
class CookieAuthenticator final : public api::ConsoleAuthenticator {
 public:
  CookieAuthenticator(service::console::Sessions& sessions, service::console::Keyd& keyd,
                      service::console::SignIn& sign_in) noexcept
      : sessions_(sessions), keyd_(keyd), sign_in_(sign_in) {}
  [[nodiscard]] Result<api::Caller> authenticate(const http::Request& request,
                                                 bool changes) override;

 private:
  service::console::Sessions& sessions_;
  service::console::Keyd& keyd_;
  service::console::SignIn& sign_in_;
};

// The names in a user's rooms follow the profile.
class RoomsForProfiles final : public service::ProfileInRooms {
 public:
  explicit RoomsForProfiles(service::rooms::Rooms& rooms) noexcept : rooms_(rooms) {}
  [[nodiscard]] Result<> profile_changed(store::Transaction& transaction, std::string_view user_id,
                                         std::string_view display_name,
                                         std::string_view avatar_url) override;

 private:
  service::rooms::Rooms& rooms_;
};

}  // namespace gims::app
