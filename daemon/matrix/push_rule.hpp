// One push rule, compiled. For push_rules.cpp and push_defaults.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "matrix/push_conditions.hpp"
#include "matrix/push_rules.hpp"

namespace gims::matrix::detail {

struct Actions {
  bool notify = false;
  bool highlight = false;
  std::string sound;
  std::string json = "[]";  // as given, with the historical dont_notify and coalesce
};

// From an array of actions. M_BAD_JSON or M_INVALID_PARAM for what is none.
[[nodiscard]] Result<Actions> read_actions(json::Value actions);

struct Rule {
  std::string id;
  bool is_default = false;
  bool enabled = true;
  // Of a default rule: what the user changed, which is all that is stored of it.
  bool enabled_changed = false;
  bool actions_changed = false;
  // Deprecated for m.mentions, and off for events that have it (spec v1.7).
  bool only_without_mentions = false;
  Actions actions;
  std::vector<Condition> conditions;
  std::string pattern;  // of a content rule
};

[[nodiscard]] bool has_conditions(RuleKind kind) noexcept;

// The members of a rule that a PUT holds: actions, and conditions or pattern.
[[nodiscard]] Result<Rule> read_rule(RuleKind kind, std::string_view id, json::Value body);
void write_rule(json::Writer& out, RuleKind kind, const Rule& rule);

[[nodiscard]] bool matches(RuleKind kind, const Rule& rule, const Asked& asked);

// Whether the rule is of the kind for this room, or has a condition that names it; and the same
// rule about another room, whose id is its own.
[[nodiscard]] bool is_about_room(RuleKind kind, const Rule& rule, std::string_view room_id);
[[nodiscard]] Rule about_room(const Rule& rule, std::string_view from, std::string_view to);

// The default rules of one kind for a user (spec: "Predefined Rules").
[[nodiscard]] std::vector<Rule> default_rules(RuleKind kind, std::string_view user_id);

}  // namespace gims::matrix::detail
