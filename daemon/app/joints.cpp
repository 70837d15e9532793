#include "app/joints.hpp"

#include <optional>

namespace gims::app {
namespace {

// Reading is open to an account that is suspended (spec: client-server API, "Account suspension").
service::Admit admitted_by(api::Auth auth, http::Method method) {
  if (auth == api::Auth::token_locked_ok) return service::Admit::all_but_closed;
  if (auth == api::Auth::token_choosing_ok) return service::Admit::choosing_password;
  const bool reads = method == http::Method::get || method == http::Method::head;
  if (auth == api::Auth::token_suspended_ok || reads) return service::Admit::suspended;
  return service::Admit::ready;
}

}  // namespace

Result<api::Caller> SessionAuthenticator::authenticate(std::string_view token, api::Auth auth,
                                                       const http::Request& request) {
  GIMS_TRY_ASSIGN(auto session,
                  sessions_.authenticate(token,
                                         {.address = request.peer.address,
                                          .agent = request.header("User-Agent").value_or("")},
                                         admitted_by(auth, request.method)));
  return api::Caller{.user_id = std::move(session.user_id),
                     .device_id = std::move(session.device_id)};
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
