#include "matrix/push_rule.hpp"

#include <algorithm>

#include "json/fields.hpp"
#include "json/text.hpp"

namespace gims::matrix::detail {
namespace {

std::unexpected<Error> invalid(std::string_view text) {
  return fail(ErrorKind::bad_input, "M_INVALID_PARAM", text);
}

Result<void> read_tweak(json::Value action, Actions& actions) {
  GIMS_TRY_ASSIGN(const std::string_view tweak, json::required_string(action, "set_tweak"));
  const json::Value value = action.get("value");
  if (tweak == "highlight") actions.highlight = value ? value.bool_or(false) : true;
  if (tweak == "sound") actions.sound = value.string_or("default");
  return {};
}

Result<void> check_pattern(std::string_view pattern) {
  if (pattern.size() <= max_pattern_bytes) return {};
  return fail(ErrorKind::bad_input, "M_INVALID_PARAM",
              "A pattern may have " + std::to_string(max_pattern_bytes) + " bytes.");
}

Result<std::vector<Condition>> read_conditions(json::Value body) {
  GIMS_TRY_ASSIGN(const json::Value list, json::optional_array(body, "conditions"));
  if (list.size() > max_conditions) {
    return invalid("A rule may have " + std::to_string(max_conditions) + " conditions.");
  }
  std::vector<Condition> conditions;
  conditions.reserve(list.size());
  for (const json::Value element : list.array()) {
    if (!element.is_object()) {
      return std::unexpected(json::wrong_type("conditions", "an array of objects"));
    }
    GIMS_TRY(json::required_string(element, "kind"));
    GIMS_TRY(check_pattern(element.get("pattern").string_or("")));
    conditions.push_back(compile_condition(element));
  }
  return conditions;
}

}  // namespace

bool has_conditions(RuleKind kind) noexcept {
  return kind == RuleKind::override_ || kind == RuleKind::underride;
}

Result<Actions> read_actions(json::Value list) {
  if (!list.is_array()) return std::unexpected(json::wrong_type("actions", "an array"));
  Actions actions;
  json::Writer kept;
  kept.begin_array();
  for (const json::Value element : list.array()) {
    const auto word = element.as_string();
    if (element.is_object()) {
      GIMS_TRY(read_tweak(element, actions));
    } else if (word == "notify") {
      actions.notify = true;
    } else if (word != "dont_notify" && word != "coalesce") {  // which mean nothing any more
      return invalid("actions holds an action that is not known.");
    }
    kept.value(element);
  }
  actions.json = kept.end_array().take();
  return actions;
}

Result<Rule> read_rule(RuleKind kind, std::string_view id, json::Value body) {
  Rule rule;
  rule.id = id;
  GIMS_TRY(json::require_object(body));
  GIMS_TRY_ASSIGN(const json::Value actions, json::required_array(body, "actions"));
  GIMS_TRY_ASSIGN(rule.actions, read_actions(actions));
  if (has_conditions(kind)) {
    GIMS_TRY_ASSIGN(rule.conditions, read_conditions(body));
    return rule;
  }
  // Passed over in the other kinds, but not anything at all.
  GIMS_TRY(json::optional_array(body, "conditions"));
  if (kind == RuleKind::content) {
    GIMS_TRY_ASSIGN(rule.pattern, json::required_string(body, "pattern"));
    GIMS_TRY(check_pattern(rule.pattern));
  }
  return rule;
}

void write_rule(json::Writer& out, RuleKind kind, const Rule& rule) {
  out.begin_object().raw_member("actions", rule.actions.json);
  if (has_conditions(kind)) {
    out.key("conditions").begin_array();
    for (const Condition& condition : rule.conditions) out.raw(condition.json);
    out.end_array();
  }
  out.member("default", rule.is_default).member("enabled", rule.enabled);
  if (kind == RuleKind::content) out.member("pattern", rule.pattern);
  out.member("rule_id", rule.id).end_object();
}

bool is_about_room(RuleKind kind, const Rule& rule, std::string_view room_id) {
  if (kind == RuleKind::room) return rule.id == room_id;
  return std::ranges::any_of(
      rule.conditions, [&](const Condition& condition) { return names_room(condition, room_id); });
}

Rule about_room(const Rule& rule, std::string_view from, std::string_view to) {
  Rule copy = rule;
  copy.id = to;
  for (Condition& condition : copy.conditions) {
    if (!names_room(condition, from)) continue;
    json::Writer json;
    json.begin_object().member("key", "room_id").member("kind", "event_match");
    json.member("pattern", to).end_object();
    condition = event_match("room_id", to);
    condition.json = json.take();
  }
  return copy;
}

bool matches(RuleKind kind, const Rule& rule, const Asked& asked) {
  if (!rule.enabled) return false;
  if (rule.only_without_mentions && asked.event.content().get("m.mentions")) return false;
  switch (kind) {
    case RuleKind::content: {
      const auto body = asked.event.content().get("body").as_string();
      return body && glob_matches_words(rule.pattern, *body);
    }
    case RuleKind::room:
      return asked.event.room_id() == rule.id;
    case RuleKind::sender:
      return asked.event.sender() == rule.id;
    case RuleKind::override_:
    case RuleKind::underride:
      break;
  }
  return std::ranges::all_of(rule.conditions,
                             [&](const Condition& condition) { return matches(condition, asked); });
}

}  // namespace gims::matrix::detail
