// Push rules: which events notify a user, and how loudly (spec: client-server API, "Push Rules").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"
#include "matrix/event.hpp"

namespace gims::matrix {

// In the order in which they are asked.
enum class RuleKind : std::uint8_t { override_, content, room, sender, underride };
inline constexpr std::size_t rule_kinds = 5;
[[nodiscard]] std::optional<RuleKind> parse_rule_kind(std::string_view name) noexcept;
[[nodiscard]] std::string_view name_of(RuleKind kind) noexcept;

// Of what a user may add. Every event of a room asks the rules of all its members.
inline constexpr std::size_t max_rules_of_user = 500;
inline constexpr std::size_t max_rule_bytes = 8192;
inline constexpr std::size_t max_pattern_bytes = 256;
inline constexpr std::size_t max_conditions = 16;

// What a rule makes of an event. The views are of the RuleSet and good until it changes.
struct PushResult {
  bool notify = false;
  bool highlight = false;
  std::string_view sound = {};         // empty for none
  std::string_view actions_json = {};  // the actions of the rule that matched; empty where none did
};

// What the rules ask about the room and the user, beside the event.
struct RoomContext {
  std::int64_t joined_members = 0;
  std::string_view display_name = {};  // the user's in the room; empty for none
  std::int64_t sender_level = 0;
  // notifications.room of the power levels; 50 where they do not say. Other keys:
  // notification_level.
  std::int64_t room_notification_level = 50;
  // content of m.room.power_levels, or invalid: for notification keys other than "room".
  json::Value power_levels = {};
};

namespace detail {
struct Condition;
struct Rule;
}  // namespace detail

// The rules of one user: the defaults of the spec, changed by the user. Compiled: evaluate() parses
// nothing. Copies are deep. Thread: many readers, or one writer.
class RuleSet {
 public:
  // What a new user has.
  [[nodiscard]] static RuleSet defaults(std::string_view user_id);
  // From stored(): defaults that a later version adds or changes appear by themselves.
  [[nodiscard]] static Result<RuleSet> load(std::string_view user_id, std::string_view stored);

  RuleSet(const RuleSet& other);
  RuleSet& operator=(const RuleSet& other);
  RuleSet(RuleSet&& other) noexcept;
  RuleSet& operator=(RuleSet&& other) noexcept;
  ~RuleSet();

  // Only what the user changed, as a JSON object of our own form.
  [[nodiscard]] std::string stored() const;
  // {"override":[...],"content":[...],...}: GET /pushrules/global/
  [[nodiscard]] std::string global_json() const;
  // {"global":{...}}: GET /pushrules/, and the content of m.push_rules.
  [[nodiscard]] std::string json() const;

  // One rule, its {"enabled":...}, its {"actions":...}; M_NOT_FOUND where there is none.
  [[nodiscard]] Result<std::string> rule_json(RuleKind kind, std::string_view id) const;
  [[nodiscard]] Result<std::string> enabled_json(RuleKind kind, std::string_view id) const;
  [[nodiscard]] Result<std::string> actions_json(RuleKind kind, std::string_view id) const;

  // PUT /pushrules/global/{kind}/{id}. `before` and `after` are ids of rules of the user, or
  // nothing. Fails with M_INVALID_PARAM (a reserved or malformed id, a bad pattern),
  // M_MISSING_PARAM, M_BAD_JSON, M_NOT_FOUND (before or after), M_TOO_LARGE; changes nothing then.
  [[nodiscard]] Result<void> put(RuleKind kind, std::string_view id, json::Value body,
                                 std::optional<std::string_view> before = std::nullopt,
                                 std::optional<std::string_view> after = std::nullopt);
  // M_NOT_FOUND where the user has added no such rule; default rules cannot be removed.
  [[nodiscard]] Result<void> remove(RuleKind kind, std::string_view id);
  [[nodiscard]] Result<void> set_enabled(RuleKind kind, std::string_view id, bool enabled);
  // `actions` is the array of the body's field.
  [[nodiscard]] Result<void> set_actions(RuleKind kind, std::string_view id, json::Value actions);

  // Copies what the user has said of one room to another that takes its place: the rule of the
  // room, and of each other kind the first rule with a condition on this room, under the new room's
  // id. A rule of that id, and the limit of rules, are left as they are.
  void follow_room(std::string_view from, std::string_view to);

  // What the first enabled rule that matches says. Not asked here: users are never notified of
  // events that they sent themselves.
  [[nodiscard]] PushResult evaluate(const Event& event, const RoomContext& room) const;

 private:
  RuleSet();
  [[nodiscard]] Result<detail::Rule*> find(RuleKind kind, std::string_view id);
  [[nodiscard]] Result<const detail::Rule*> find(RuleKind kind, std::string_view id) const;
  [[nodiscard]] std::size_t rules_of_user() const noexcept;

  // Of each kind: what the user added, most important first, then the defaults; but .m.rule.master
  // before all.
  std::array<std::vector<detail::Rule>, rule_kinds> rules_;
};

// Glob of the spec (appendices, "Glob-style matching"): * any run, ? one code point; ASCII letters
// without regard to case. Linear in the product of the lengths at worst.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text) noexcept;
// The same for any part of the text that begins and ends at a word's boundary (content.body).
[[nodiscard]] bool glob_matches_words(std::string_view pattern, std::string_view text) noexcept;

}  // namespace gims::matrix
