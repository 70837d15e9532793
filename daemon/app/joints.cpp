#include "app/joints.hpp"

#include <optional>
#include <utility>

#include "api/console/cookie.hpp"
#include "service/console/refusals.hpp"

namespace gims::app {
namespace {

service::Admit admitted_by(api::Auth auth) {
  if (auth == api::Auth::token_locked_ok) return service::Admit::all_but_closed;
  if (auth == api::Auth::token_choosing_ok) return service::Admit::choosing_password;
  return service::Admit::ready;
}

}  // namespace

Result<api::Caller> SessionAuthenticator::authenticate(std::string_view token, api::Auth auth,
                                                       const http::Request& request) {
  GIMS_TRY_ASSIGN(auto session,
                  sessions_.authenticate(token,
                                         {.address = request.peer.address,
                                          .agent = request.header("User-Agent").value_or("")},
                                         admitted_by(auth)));
  return api::Caller{.user_id = std::move(session.user_id),
                     .device_id = std::move(session.device_id)};
}

Result<api::Caller> CookieAuthenticator::authenticate(const http::Request& request, bool changes) {
  const auto cookie = api::console::cookie_of(request);
  if (!cookie) return service::console::not_signed_in();
  const auto from =
      service::console::where(request.peer.address, request.header("User-Agent").value_or(""));
  GIMS_TRY_ASSIGN(auto session, sessions_.authenticate(*cookie, from, [&](const auto& misused) {
    sign_in_.note_moved(misused, from);
  }));
  const auto person = keyd_.find(session.name);
  if (!person) {
    sessions_.end_all(session.name);
    return service::console::not_signed_in();
  }
  if (changes && !sessions_.csrf_fits(*cookie, request.header("X-GIMS-CSRF").value_or(""))) {
    return service::console::origin_refused(
        "X-GIMS-CSRF is missing, or is another session's: load the page again.");
  }
  // Limits count people, whatever their sessions.
  std::string counted = "administrator " + session.name;
  return api::Caller{.user_id = std::move(counted),
                     .device_id = {},
                     .session = std::move(session),
                     .roles = person->roles};
}

Result<> RoomsForProfiles::profile_changed(store::Transaction& transaction,
                                           std::string_view user_id, std::string_view display_name,
                                           std::string_view avatar_url) {
  const auto where_any = [](std::string_view json) {
    return json.empty() ? std::nullopt : std::optional(json);
  };
  return rooms_.profile_changed(transaction, user_id, where_any(display_name),
                                where_any(avatar_url));
}

}  // namespace gims::app
