#include "matrix/push_conditions.hpp"

#include <algorithm>
#include <charconv>

namespace gims::matrix::detail {
namespace {

// The property of the event at the path, as clients see the event.
json::Value property(const Event& event, const std::vector<std::string>& path) {
  if (path.empty()) return {};
  json::Value value = event.json();
  for (const std::string& part : path) value = value.get(part);
  return value;
}

// The string there. Some members of a client's event are not in the PDU.
std::optional<std::string_view> text_at(const Event& event, const std::vector<std::string>& path) {
  if (path.size() == 1) {
    if (path[0] == "room_id") return event.room_id();
    if (path[0] == "event_id") return event.event_id();
    if (path[0] == "redacts" && event.redacts()) return event.redacts();
  }
  return property(event, path).as_string();
}

bool is_body(const std::vector<std::string>& path) {
  return path.size() == 2 && path[0] == "content" && path[1] == "body";
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_text(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool pattern_matches(const Condition& condition, const Event& event) {
  const auto text = text_at(event, condition.path);
  if (!text) return false;
  if (is_body(condition.path)) return glob_matches_words(condition.text, *text);
  return condition.literal ? same_text(condition.text, *text) : glob_matches(condition.text, *text);
}

bool contains(const Scalar& scalar, json::Value list) {
  return std::ranges::any_of(list.array(), [&](json::Value v) { return scalar.equals(v); });
}

// The display name is no pattern: its * and ? stand for themselves.
bool names_user(const Asked& asked) {
  const auto body = asked.event.content().get("body").as_string();
  const std::string_view name = asked.room.display_name;
  if (!body || name.empty()) return false;
  const auto in_word = [](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_';
  };
  for (std::size_t i = 0; i + name.size() <= body->size(); ++i) {
    if (!same_text(body->substr(i, name.size()), name)) continue;
    const std::size_t end = i + name.size();
    if ((i == 0 || !in_word((*body)[i - 1])) && (end == body->size() || !in_word((*body)[end]))) {
      return true;
    }
  }
  return false;
}

bool count_fits(const Condition& condition, std::int64_t members) {
  switch (condition.comparison) {
    case Comparison::equal:
      return members == condition.count;
    case Comparison::less:
      return members < condition.count;
    case Comparison::greater:
      return members > condition.count;
    case Comparison::at_most:
      return members <= condition.count;
    case Comparison::at_least:
      return members >= condition.count;
  }
  return false;
}

bool sender_may_notify(const Condition& condition, const RoomContext& room) {
  const std::int64_t needed =
      condition.text == "room"
          ? room.room_notification_level
          : room.power_levels.get("notifications").get(condition.text).int_or(50);
  return room.sender_level >= needed;
}

// "2", "==2", "<10", ">=3": unknown where it is none of these.
void read_count(Condition& condition, std::string_view text) {
  const auto prefixed = [&](std::string_view prefix, Comparison comparison) {
    if (!text.starts_with(prefix)) return false;
    text.remove_prefix(prefix.size());
    condition.comparison = comparison;
    return true;
  };
  static_cast<void>(prefixed("==", Comparison::equal) || prefixed("<=", Comparison::at_most) ||
                    prefixed(">=", Comparison::at_least) || prefixed("<", Comparison::less) ||
                    prefixed(">", Comparison::greater));
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), condition.count);
  const bool good = !text.empty() && text.front() != '-' && error == std::errc() &&
                    end == text.data() + text.size();
  condition.kind = good ? ConditionKind::room_member_count : ConditionKind::unknown;
}

}  // namespace

Scalar Scalar::of(json::Value value) {
  Scalar scalar;
  scalar.type = value.type();
  scalar.truth = value.bool_or(false);
  scalar.number = value.int_or(0);
  scalar.text = value.string_or("");
  const bool plain = value.is_null() || value.is_bool() || value.is_int() || value.is_string();
  if (!plain) scalar.type = json::Type::none;
  return scalar;
}

bool Scalar::equals(json::Value value) const noexcept {
  if (type == json::Type::none || value.type() != type) return false;
  switch (type) {
    case json::Type::null:
      return true;
    case json::Type::boolean:
      return value.as_bool() == truth;
    case json::Type::integer:
      return value.as_int() == number;
    case json::Type::string:
      return value.as_string() == text;
    default:
      return false;
  }
}

std::vector<std::string> path_parts(std::string_view key) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < key.size(); ++i) {
    const bool escapes =
        key[i] == '\\' && i + 1 < key.size() && (key[i + 1] == '.' || key[i + 1] == '\\');
    if (escapes) {
      parts.back().push_back(key[++i]);
    } else if (key[i] == '.') {
      parts.emplace_back();
    } else {
      parts.back().push_back(key[i]);
    }
  }
  return parts;
}

Condition event_match(std::string_view key, std::string_view pattern) {
  Condition condition;
  condition.kind = ConditionKind::event_match;
  condition.path = path_parts(key);
  condition.text = pattern;
  condition.literal = pattern.find_first_of("*?") == std::string_view::npos;
  return condition;
}

Condition compile_condition(json::Value source) {
  Condition condition;
  const std::string_view kind = source.get("kind").string_or("");
  const auto key = source.get("key").as_string();
  const auto pattern = source.get("pattern").as_string();
  const json::Value value = source.get("value");
  if (kind == "event_match" && key && pattern) {
    condition = event_match(*key, *pattern);
  } else if ((kind == "event_property_is" || kind == "event_property_contains") && key && value) {
    condition.kind = kind == "event_property_is" ? ConditionKind::event_property_is
                                                 : ConditionKind::event_property_contains;
    condition.path = path_parts(*key);
    condition.scalar = Scalar::of(value);
  } else if (kind == "contains_display_name") {
    condition.kind = ConditionKind::contains_display_name;
  } else if (kind == "room_member_count") {
    read_count(condition, source.get("is").string_or(""));
  } else if (kind == "sender_notification_permission" && key) {
    condition.kind = ConditionKind::sender_notification_permission;
    condition.text = *key;
  }
  condition.json = source.to_text();
  return condition;
}

bool names_room(const Condition& condition, std::string_view room_id) {
  return condition.kind == ConditionKind::event_match && condition.path.size() == 1 &&
         condition.path.front() == "room_id" && condition.text == room_id;
}

bool matches(const Condition& condition, const Asked& asked) {
  switch (condition.kind) {
    case ConditionKind::event_match:
      return pattern_matches(condition, asked.event);
    case ConditionKind::event_property_is:
      return condition.scalar.equals(property(asked.event, condition.path));
    case ConditionKind::event_property_contains:
      return contains(condition.scalar, property(asked.event, condition.path));
    case ConditionKind::contains_display_name:
      return names_user(asked);
    case ConditionKind::room_member_count:
      return count_fits(condition, asked.room.joined_members);
    case ConditionKind::sender_notification_permission:
      return sender_may_notify(condition, asked.room);
    case ConditionKind::unknown:
      return false;
  }
  return false;
}

}  // namespace gims::matrix::detail
