// Conditions of push rules, compiled. For push_rules.cpp and its parts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.hpp"
#include "matrix/push_rules.hpp"

namespace gims::matrix::detail {

enum class ConditionKind : std::uint8_t {
  event_match,
  event_property_is,
  event_property_contains,
  contains_display_name,
  room_member_count,
  sender_notification_permission,
  unknown  // never matches (spec: "Unrecognised conditions MUST NOT match any events")
};

enum class Comparison : std::uint8_t { equal, less, greater, at_most, at_least };

// A value that is no container (event_property_is and _contains).
struct Scalar {
  json::Type type = json::Type::none;
  bool truth = false;
  std::int64_t number = 0;
  std::string text;
  [[nodiscard]] static Scalar of(json::Value value);
  [[nodiscard]] bool equals(json::Value value) const noexcept;
};

struct Condition {
  ConditionKind kind = ConditionKind::unknown;
  std::vector<std::string> path;  // of a dot-separated key
  std::string text;               // the pattern, or the key of a notification permission
  bool literal = false;           // the pattern has no * and no ?
  Scalar scalar;
  Comparison comparison = Comparison::equal;
  std::int64_t count = 0;
  std::string json;  // as it was given
};

// What is made of it once for all conditions of an event.
struct Asked {
  const Event& event;
  const RoomContext& room;
};

[[nodiscard]] Condition compile_condition(json::Value condition);
[[nodiscard]] Condition event_match(std::string_view key, std::string_view pattern);
[[nodiscard]] bool matches(const Condition& condition, const Asked& asked);
[[nodiscard]] bool names_room(const Condition& condition, std::string_view room_id);

// The parts of a path: "content.m\.mentions.room" has three (spec: appendices, "Dot-separated
// property paths").
[[nodiscard]] std::vector<std::string> path_parts(std::string_view key);

}  // namespace gims::matrix::detail
