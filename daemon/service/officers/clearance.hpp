// The site's labels, the lowest first: what a clearance is a level of. Nothing is enforced by them
// yet.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gims::service {

struct Label {
  std::string_view label;
  std::string_view name;
  std::string_view name_hi;
  std::string_view colour;
};

// The order is the level, and what users.clearance holds.
inline constexpr std::array<Label, 5> labels{{
    {.label = "unclassified", .name = "Unclassified", .name_hi = "अवर्गीकृत", .colour = "grey"},
    {.label = "restricted", .name = "Restricted", .name_hi = "प्रतिबंधित", .colour = "green"},
    {.label = "confidential", .name = "Confidential", .name_hi = "गोपनीय", .colour = "blue"},
    {.label = "secret", .name = "Secret", .name_hi = "गुप्त", .colour = "amber"},
    {.label = "top_secret", .name = "Top Secret", .name_hi = "परम गुप्त", .colour = "red"},
}};

// A level that is not known is told as the lowest.
[[nodiscard]] constexpr std::string_view label_of(std::int64_t level) noexcept {
  const bool known = level >= 0 && level < static_cast<std::int64_t>(labels.size());
  return labels[known ? static_cast<std::size_t>(level) : 0].label;
}

[[nodiscard]] constexpr std::optional<std::int64_t> level_of(std::string_view label) noexcept {
  for (std::size_t level = 0; level < labels.size(); ++level) {
    if (labels[level].label == label) return static_cast<std::int64_t>(level);
  }
  return std::nullopt;
}

}  // namespace gims::service
