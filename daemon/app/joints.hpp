// Where one part fills the interface that another states.
#pragma once

#include "api/gate.hpp"
#include "service/accounts/profiles.hpp"
#include "service/accounts/sessions.hpp"
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
