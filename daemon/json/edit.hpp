// A changed copy of an object's top level.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "json/value.hpp"

namespace gims::json {

struct Change {
  std::string_view key;
  // The member's new value as JSON; nothing removes the member.
  std::optional<std::string_view> json;
};

// The object as JSON with the changes made: replaced members keep their place, new ones follow the
// others in the order of `changes`. A value that is no object counts as an empty one.
[[nodiscard]] std::string changed(Value object, std::span<const Change> changes);
[[nodiscard]] std::string with_member(Value object, std::string_view key, std::string_view json);
[[nodiscard]] std::string without_member(Value object, std::string_view key);

}  // namespace gims::json
