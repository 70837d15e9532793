// Spec: client-server API, "Push Rules: API".
#include "matrix/push_rules.hpp"

#include <utility>

#include "api/client/own_user.hpp"
#include "api/client/room_calls.hpp"
#include "api/client/sync.hpp"
#include "json/fields.hpp"
#include "service/errors.hpp"

namespace gims::api::client {
namespace {

using http::Method;
using matrix::RuleKind;
using matrix::RuleSet;
using service::PushRules;

Result<RuleKind> kind_of(const Call& call) {
  const auto kind = matrix::parse_rule_kind(call.param("kind"));
  if (!kind) {
    return service::invalid_param(
        "A rule's kind is one of override, underride, sender, room, content.");
  }
  return *kind;
}

using Show = Result<std::string> (RuleSet::*)(RuleKind, std::string_view) const;

Result<std::string> show(PushRules& rules, const Call& call, Show what) {
  GIMS_TRY_ASSIGN(const RuleKind kind, kind_of(call));
  GIMS_TRY_ASSIGN(const RuleSet set, rules.of(call.caller().user_id));
  return (set.*what)(kind, call.param("ruleId"));
}

// The change runs on the writer's thread, after the call was moved into its answer: it has copies.
struct Wanted {
  RuleKind kind;
  std::string id;
  json::Document body;
};

Result<Wanted> wanted_of(const Call& call) {
  GIMS_TRY_ASSIGN(const RuleKind kind, kind_of(call));
  GIMS_TRY_ASSIGN(json::Document body, json::Document::parse(call.body().to_text()));
  return Wanted{.kind = kind, .id = param_of(call, "ruleId"), .body = std::move(body)};
}

template <class Change>
void change(PushRules& rules, Call call, Change how) {
  auto wanted = wanted_of(call);
  if (!wanted) return std::move(call).error(wanted.error());
  auto user_id = call.caller().user_id;
  rules.change(
      std::move(user_id),
      [wanted = std::move(*wanted), how = std::move(how)](RuleSet& set) {
        return how(set, wanted);
      },
      answer_done(std::move(call)));
}

void put_rule(PushRules& rules, Call call) {
  auto before = query_text(call, "before");
  auto after = query_text(call, "after");
  change(
      rules, std::move(call),
      [before = std::move(before), after = std::move(after)](RuleSet& set, const Wanted& wanted) {
        return set.put(wanted.kind, wanted.id, wanted.body.root(), before, after);
      });
}

Result<> enable(RuleSet& set, const Wanted& wanted) {
  GIMS_TRY_ASSIGN(const bool enabled, json::required_bool(wanted.body.root(), "enabled"));
  return set.set_enabled(wanted.kind, wanted.id, enabled);
}

Result<> act(RuleSet& set, const Wanted& wanted) {
  GIMS_TRY_ASSIGN(const json::Value actions, json::required_array(wanted.body.root(), "actions"));
  return set.set_actions(wanted.kind, wanted.id, actions);
}

}  // namespace

Routes push_rule_routes(PushRules& rules) {
  constexpr std::string_view rule = "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}";
  constexpr std::string_view enabled =
      "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/enabled";
  constexpr std::string_view actions =
      "/_matrix/client/v3/pushrules/global/{kind}/{ruleId}/actions";
  const auto all = [&rules](const Call& call) -> Result<std::string> {
    GIMS_TRY_ASSIGN(const RuleSet set, rules.of(call.caller().user_id));
    return set.json();
  };
  const auto global = [&rules](const Call& call) -> Result<std::string> {
    GIMS_TRY_ASSIGN(const RuleSet set, rules.of(call.caller().user_id));
    return set.global_json();
  };
  const auto showing = [&rules](Show what) {
    return [&rules, what](const Call& call) { return show(rules, call, what); };
  };
  const auto writing = [](Method method, std::string_view path, BodyKind body, Handle handle) {
    return while_suspended(write_route(method, path, body,
                                       body == BodyKind::none ? 0 : 2 * small_body,
                                       http::Run::on_loop, std::move(handle)));
  };
  Routes routes;
  // Clients leave the last slash out, too.
  for (const std::string_view path :
       {"/_matrix/client/v3/pushrules/", "/_matrix/client/v3/pushrules"}) {
    routes.push_back(while_choosing(read_route(path, all)));
  }
  for (const std::string_view path :
       {"/_matrix/client/v3/pushrules/global/", "/_matrix/client/v3/pushrules/global"}) {
    routes.push_back(while_choosing(read_route(path, global)));
  }
  routes.push_back(read_route(rule, showing(&RuleSet::rule_json)));
  routes.push_back(read_route(enabled, showing(&RuleSet::enabled_json)));
  routes.push_back(read_route(actions, showing(&RuleSet::actions_json)));
  routes.push_back(writing(Method::put, rule, BodyKind::json_object,
                           [&rules](Call call) { put_rule(rules, std::move(call)); }));
  routes.push_back(writing(Method::del, rule, BodyKind::none, [&rules](Call call) {
    change(rules, std::move(call),
           [](RuleSet& set, const Wanted& wanted) { return set.remove(wanted.kind, wanted.id); });
  }));
  routes.push_back(writing(Method::put, enabled, BodyKind::json_object,
                           [&rules](Call call) { change(rules, std::move(call), &enable); }));
  routes.push_back(writing(Method::put, actions, BodyKind::json_object,
                           [&rules](Call call) { change(rules, std::move(call), &act); }));
  // As account data they are the rules, not the differences that are stored.
  routes.push_back(read_route("/_matrix/client/v3/user/{userId}/account_data/m.push_rules",
                              [all](const Call& call) -> Result<std::string> {
                                GIMS_TRY(require_own_user(call));
                                return all(call);
                              }));
  return routes;
}

}  // namespace gims::api::client
