// Slips by which officers come in.
#include <array>
#include <string>
#include <utility>

#include "api/admin/admin.hpp"
#include "api/admin/asked.hpp"
#include "api/finish.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::admin {
namespace {

using service::Slips;
using service::SlipState;
using service::SlipWithCode;

constexpr std::array<std::string_view, 2> of_request{"user_ids", "hours"};
constexpr std::array states{SlipState::outstanding, SlipState::used, SlipState::expired,
                            SlipState::revoked};

Result<std::string> list(Slips& slips, const Call& call) {
  GIMS_TRY_ASSIGN(const auto before, optional_id(call, "after"));
  GIMS_TRY_ASSIGN(const std::int64_t limit, limit_of(call));
  std::optional<SlipState> state;
  if (const auto name = call.query("state")) {
    const auto* const found =
        std::ranges::find(states, *name, [](SlipState each) { return service::name_of(each); });
    if (found == states.end()) {
      return service::invalid_param("A slip is outstanding, used, expired or revoked.");
    }
    state = *found;
  }
  GIMS_TRY_ASSIGN(const auto page, slips.page(before, state, limit));
  json::Writer out;
  out.begin_object().key("slips").begin_array();
  for (const service::Slip& slip : page.slips) write_slip(out, slip);
  out.end_array();
  if (page.next) out.member("next", std::to_string(*page.next));
  out.end_object();
  return out.take();
}

struct Wanted {
  std::vector<std::string> user_ids;
  std::chrono::hours life{};
};
Result<Wanted> decode(const service::Users& users, json::Value body) {
  GIMS_TRY(only_members(body, of_request));
  Wanted wanted;
  GIMS_TRY_ASSIGN(const auto names, json::required_strings(body, "user_ids"));
  if (names.size() > Slips::most_at_once) {
    return service::invalid_param("Slips are made for 1 to 50 officers at once.");
  }
  for (const std::string_view name : names) {
    GIMS_TRY_ASSIGN(std::string id, users.full_id(name));
    wanted.user_ids.push_back(std::move(id));
  }
  GIMS_TRY_ASSIGN(const std::int64_t hours, json::required_int(body, "hours"));
  // The service refuses what is too long; this keeps the number within what a duration holds.
  wanted.life = std::chrono::hours(std::clamp<std::int64_t>(hours, 0, 100'000));
  return wanted;
}

std::string made_json(const std::vector<SlipWithCode>& slips) {
  json::Writer out;
  out.begin_object().key("slips").begin_array();
  for (const SlipWithCode& slip : slips) {
    out.begin_object().member("slip_id", std::to_string(slip.slip_id));
    out.member("user_id", slip.user_id).member("code", slip.code.reveal());
    out.member("expires_ts", slip.expires_ts).end_object();
  }
  out.end_array().end_object();
  return out.take();
}

void make(service::Users& users, Slips& slips, Call call) {
  auto wanted = decode(users, call.body());
  if (!wanted) return std::move(call).error(wanted.error());
  service::Actor actor = actor_of(call);
  slips.make(std::move(wanted->user_ids), wanted->life, std::move(actor),
             answer<std::vector<SlipWithCode>>(std::move(call), made_json));
}

void revoke(Slips& slips, Call call) {
  const auto id = id_of(call.param("slipId"), "The slip");
  if (!id) return std::move(call).error(id.error());
  service::Actor actor = actor_of(call);
  slips.revoke(*id, std::move(actor), answer_empty(std::move(call)));
}

}  // namespace

Routes slip_routes(service::Users& users, Slips& slips) {
  using http::Method;
  constexpr std::string_view all = "/_gims/admin/v1/slips";
  Routes routes;
  routes.push_back(admin_route(Method::get, all, BodyKind::none, [&slips](Call call) {
    auto answer = list(slips, call);
    std::move(call).result(std::move(answer));
  }));
  routes.push_back(
      admin_route(Method::post, all, BodyKind::json_object,
                  [&users, &slips](Call call) { make(users, slips, std::move(call)); }));
  routes.push_back(admin_route(Method::del, "/_gims/admin/v1/slips/{slipId}", BodyKind::none,
                               [&slips](Call call) { revoke(slips, std::move(call)); }));
  return routes;
}

}  // namespace gims::api::admin
