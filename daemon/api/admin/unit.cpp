// Acts of the unit, entered into the audit log by root, who does them.
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::admin {
namespace {

Result<service::UnitAct> act_of(const Call& call) {
  // An administrator who is not root does no act of the unit, and makes no entry of one.
  if (call.request().peer.uid != 0U)
    return service::forbidden("Only root enters acts of the unit.");
  GIMS_TRY_ASSIGN(const std::string_view act, json::required_string(call.body(), "act"));
  GIMS_TRY_ASSIGN(const std::string_view at, json::required_string(call.body(), "at"));
  GIMS_TRY_ASSIGN(const std::string_view step, json::required_string(call.body(), "step"));
  GIMS_TRY_ASSIGN(const std::string_view text, json::required_string(call.body(), "text"));
  return service::UnitAct{.act = std::string(act),
                          .at = std::string(at),
                          .step = std::string(step),
                          .text = std::string(text)};
}

void enter(service::UnitActs& acts, Call call) {
  auto act = act_of(call);
  if (!act) return std::move(call).error(act.error());
  service::Actor actor = actor_of(call);
  acts.enter(std::move(*act), std::move(actor), answer_empty(std::move(call)));
}

}  // namespace

Routes unit_routes(service::UnitActs& acts) {
  Routes routes;
  routes.push_back(admin_route(http::Method::post, "/_gims/admin/v1/audit/acts",
                               BodyKind::json_object, at_socket_alone,
                               [&acts](Call call) { enter(acts, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::admin
