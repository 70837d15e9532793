// What two administrators approved about an account.
#include <cstdint>
#include <limits>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::admin {
namespace {

Result<std::uint32_t> approval_of(json::Value body) {
  GIMS_TRY_ASSIGN(const std::int64_t number, json::required_int(body, "approval"));
  if (number < 1 || number > std::numeric_limits<std::uint32_t>::max()) {
    return service::invalid_param("approval is the number that gims-keyd gave the proposal.");
  }
  return static_cast<std::uint32_t>(number);
}

void reset(service::Users& users, service::TwoPersons& two_persons, Call call) {
  auto user = user_of(users, call);
  if (!user) return std::move(call).error(user.error());
  const auto approval = approval_of(call.body());
  if (!approval) return std::move(call).error(approval.error());
  service::Actor actor = actor_of(call);
  two_persons.reset_identity(std::move(user->user_id), *approval, std::move(actor),
                             answer_empty(std::move(call)));
}

}  // namespace

Routes identity_routes(service::Users& users, service::TwoPersons& two_persons) {
  Routes routes;
  routes.push_back(admin_route(
      http::Method::post, "/_gims/admin/v1/users/{userId}/reset-identity", BodyKind::json_object,
      at_socket_alone,
      [&users, &two_persons](Call call) { reset(users, two_persons, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::admin
