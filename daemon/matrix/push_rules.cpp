#include "matrix/push_rules.hpp"

#include <algorithm>

#include "base/utf8.hpp"
#include "json/fields.hpp"
#include "json/writer.hpp"
#include "matrix/ids.hpp"
#include "matrix/push_rule.hpp"

namespace gims::matrix {
namespace {

using detail::Rule;

constexpr std::array<std::string_view, rule_kinds> names{"override", "content", "room", "sender",
                                                         "underride"};
constexpr std::array<RuleKind, rule_kinds> kinds{
    RuleKind::override_, RuleKind::content, RuleKind::room, RuleKind::sender, RuleKind::underride};
constexpr std::string_view master = ".m.rule.master";
constexpr std::string_view changed_defaults = "changed";

std::size_t index_of(RuleKind kind) { return static_cast<std::size_t>(kind); }

std::unexpected<Error> no_such_rule() {
  return fail(ErrorKind::not_found, "M_NOT_FOUND", "There is no such push rule.");
}

std::unexpected<Error> bad_id(std::string_view why) {
  return fail(ErrorKind::bad_input, "M_INVALID_PARAM", why);
}

Result<void> check_new_id(std::string_view id) {
  if (id.empty() || id.size() > max_id_bytes || !is_utf8(id)) {
    return bad_id("The id of a push rule must have 1 to 255 bytes of UTF-8.");
  }
  if (id.starts_with('.')) return bad_id("Ids that begin with '.' are kept for default rules.");
  if (id.find_first_of("/\\") != std::string_view::npos) {
    return bad_id("The id of a push rule must not hold a slash or backslash.");
  }
  return {};
}

auto find_rule(auto& rules, std::string_view id) { return std::ranges::find(rules, id, &Rule::id); }

// Where the user's rules begin.
auto first_of_user(auto& rules) {
  auto first = rules.begin();
  if (first != rules.end() && first->id == master) ++first;
  return first;
}

// The place of the user's rule that `before` or `after` names; where neither is given, the first.
Result<std::ptrdiff_t> place_for(std::vector<Rule>& rules, std::optional<std::string_view> before,
                                 std::optional<std::string_view> after) {
  if (!before && !after) return first_of_user(rules) - rules.begin();
  const std::string_view named = before ? *before : *after;
  const auto found = find_rule(rules, named);
  if (found == rules.end() || found->is_default) {
    return fail(ErrorKind::bad_input, "M_UNKNOWN",
                "before/after rule not found: " + std::string(named.substr(0, 64)));
  }
  return (found - rules.begin()) + (before ? 0 : 1);
}

void write_changes(json::Writer& out, RuleKind kind, const Rule& rule) {
  out.begin_object().member("kind", name_of(kind)).member("rule_id", rule.id);
  if (rule.enabled_changed) out.member("enabled", rule.enabled);
  if (rule.actions_changed) out.raw_member("actions", rule.actions.json);
  out.end_object();
}

}  // namespace

std::optional<RuleKind> parse_rule_kind(std::string_view name) noexcept {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return kinds[static_cast<std::size_t>(found - names.begin())];
}

std::string_view name_of(RuleKind kind) noexcept { return names[index_of(kind)]; }

RuleSet::RuleSet() = default;
RuleSet::RuleSet(const RuleSet& other) = default;
RuleSet& RuleSet::operator=(const RuleSet& other) = default;
RuleSet::RuleSet(RuleSet&& other) noexcept = default;
RuleSet& RuleSet::operator=(RuleSet&& other) noexcept = default;
RuleSet::~RuleSet() = default;

RuleSet RuleSet::defaults(std::string_view user_id) {
  RuleSet set;
  for (const RuleKind kind : kinds) {
    set.rules_[index_of(kind)] = detail::default_rules(kind, user_id);
  }
  return set;
}

Result<RuleSet> RuleSet::load(std::string_view user_id, std::string_view stored) {
  RuleSet set = defaults(user_id);
  GIMS_TRY_ASSIGN(const json::Document document,
                  json::Document::parse(stored, {.max_bytes = std::size_t{16} << 20}));
  for (const RuleKind kind : kinds) {
    std::vector<Rule>& rules = set.rules_[index_of(kind)];
    std::vector<Rule> of_user;
    for (const json::Value source : document.root().get(name_of(kind)).array()) {
      GIMS_TRY_ASSIGN(const std::string_view id, json::required_string(source, "rule_id"));
      GIMS_TRY_ASSIGN(Rule rule, detail::read_rule(kind, id, source));
      rule.enabled = source.get("enabled").bool_or(true);
      of_user.push_back(std::move(rule));
    }
    rules.insert(first_of_user(rules), std::make_move_iterator(of_user.begin()),
                 std::make_move_iterator(of_user.end()));
  }
  for (const json::Value change : document.root().get(changed_defaults).array()) {
    const auto kind = parse_rule_kind(change.get("kind").string_or(""));
    const std::string_view id = change.get("rule_id").string_or("");
    // A default that this version no longer has is passed over.
    if (!kind || !set.find(*kind, id)) continue;
    if (const auto enabled = change.get("enabled").as_bool()) {
      GIMS_TRY(set.set_enabled(*kind, id, *enabled));
    }
    if (const json::Value actions = change.get("actions")) {
      GIMS_TRY(set.set_actions(*kind, id, actions));
    }
  }
  return set;
}

std::string RuleSet::stored() const {
  json::Writer out;
  out.begin_object();
  for (const RuleKind kind : kinds) {
    out.key(name_of(kind)).begin_array();
    for (const Rule& rule : rules_[index_of(kind)]) {
      if (!rule.is_default) detail::write_rule(out, kind, rule);
    }
    out.end_array();
  }
  out.key(changed_defaults).begin_array();
  for (const RuleKind kind : kinds) {
    for (const Rule& rule : rules_[index_of(kind)]) {
      if (rule.is_default && (rule.enabled_changed || rule.actions_changed)) {
        write_changes(out, kind, rule);
      }
    }
  }
  return out.end_array().end_object().take();
}

std::string RuleSet::global_json() const {
  json::Writer out;
  out.begin_object();
  for (const RuleKind kind : kinds) {
    out.key(name_of(kind)).begin_array();
    for (const Rule& rule : rules_[index_of(kind)]) detail::write_rule(out, kind, rule);
    out.end_array();
  }
  return out.end_object().take();
}

std::string RuleSet::json() const { return R"({"global":)" + global_json() + "}"; }

Result<const detail::Rule*> RuleSet::find(RuleKind kind, std::string_view id) const {
  const auto& rules = rules_[index_of(kind)];
  const auto found = find_rule(rules, id);
  if (found == rules.end()) return no_such_rule();
  return &*found;
}

Result<detail::Rule*> RuleSet::find(RuleKind kind, std::string_view id) {
  auto& rules = rules_[index_of(kind)];
  const auto found = find_rule(rules, id);
  if (found == rules.end()) return no_such_rule();
  return &*found;
}

Result<std::string> RuleSet::rule_json(RuleKind kind, std::string_view id) const {
  GIMS_TRY_ASSIGN(const Rule* rule, find(kind, id));
  json::Writer out;
  detail::write_rule(out, kind, *rule);
  return out.take();
}

Result<std::string> RuleSet::enabled_json(RuleKind kind, std::string_view id) const {
  GIMS_TRY_ASSIGN(const Rule* rule, find(kind, id));
  return std::string(rule->enabled ? R"({"enabled":true})" : R"({"enabled":false})");
}

Result<std::string> RuleSet::actions_json(RuleKind kind, std::string_view id) const {
  GIMS_TRY_ASSIGN(const Rule* rule, find(kind, id));
  return R"({"actions":)" + rule->actions.json + "}";
}

std::size_t RuleSet::rules_of_user() const noexcept {
  std::size_t count = 0;
  for (const auto& rules : rules_) {
    count += static_cast<std::size_t>(
        std::ranges::count_if(rules, [](const Rule& rule) { return !rule.is_default; }));
  }
  return count;
}

Result<void> RuleSet::put(RuleKind kind, std::string_view id, json::Value body,
                          std::optional<std::string_view> before,
                          std::optional<std::string_view> after) {
  GIMS_TRY(check_new_id(id));
  if (body.to_text().size() > max_rule_bytes) {
    return fail(ErrorKind::too_large, "M_TOO_LARGE", "The push rule is too large.");
  }
  GIMS_TRY_ASSIGN(Rule rule, detail::read_rule(kind, id, body));
  std::vector<Rule>& rules = rules_[index_of(kind)];
  const auto old = find_rule(rules, id);
  if (old == rules.end() && rules_of_user() >= max_rules_of_user) {
    return fail(ErrorKind::forbidden, "M_RESOURCE_LIMIT_EXCEEDED",
                "There are too many push rules; remove one first.");
  }
  if (old != rules.end()) rule.enabled = old->enabled;
  const bool moves = before || after || old == rules.end();
  if (!moves || before.value_or(after.value_or("")) == id) {
    if (old == rules.end()) return place_for(rules, before, after).transform([](auto) {});
    *old = std::move(rule);
    return {};
  }
  GIMS_TRY_ASSIGN(std::ptrdiff_t place, place_for(rules, before, after));
  if (old != rules.end()) {
    if (old - rules.begin() < place) --place;
    rules.erase(old);
  }
  rules.insert(rules.begin() + place, std::move(rule));
  return {};
}

Result<void> RuleSet::remove(RuleKind kind, std::string_view id) {
  std::vector<Rule>& rules = rules_[index_of(kind)];
  const auto found = find_rule(rules, id);
  if (found == rules.end() || found->is_default) return no_such_rule();
  rules.erase(found);
  return {};
}

Result<void> RuleSet::set_enabled(RuleKind kind, std::string_view id, bool enabled) {
  GIMS_TRY_ASSIGN(Rule * rule, find(kind, id));
  rule->enabled = enabled;
  rule->enabled_changed = rule->is_default;
  return {};
}

Result<void> RuleSet::set_actions(RuleKind kind, std::string_view id, json::Value actions) {
  GIMS_TRY_ASSIGN(Rule * rule, find(kind, id));
  GIMS_TRY_ASSIGN(rule->actions, detail::read_actions(actions));
  rule->actions_changed = rule->is_default;
  return {};
}

void RuleSet::follow_room(std::string_view from, std::string_view to) {
  for (const RuleKind kind : kinds) {
    std::vector<Rule>& rules = rules_[index_of(kind)];
    const auto about_it = std::ranges::find_if(rules, [&](const Rule& rule) {
      return !rule.is_default && detail::is_about_room(kind, rule, from);
    });
    if (about_it == rules.end() || find_rule(rules, to) != rules.end()) continue;
    if (rules_of_user() >= max_rules_of_user) return;
    Rule copy = detail::about_room(*about_it, from, to);
    rules.insert(std::next(about_it), std::move(copy));
  }
}

PushResult RuleSet::evaluate(const Event& event, const RoomContext& room) const {
  const detail::Asked asked{event, room};
  for (const RuleKind kind : kinds) {
    for (const Rule& rule : rules_[index_of(kind)]) {
      if (!detail::matches(kind, rule, asked)) continue;
      return {.notify = rule.actions.notify,
              .highlight = rule.actions.notify && rule.actions.highlight,
              .sound = rule.actions.sound,
              .actions_json = rule.actions.json};
    }
  }
  return {};
}

}  // namespace gims::matrix
