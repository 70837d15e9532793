// The rules for m.room.member (spec: rooms/v12, "Authorization rules", rule 5). For auth_rules.cpp.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "matrix/event.hpp"
#include "matrix/power_levels.hpp"
#include "matrix/state_view.hpp"

namespace gims::matrix::detail {

// What a rule looks at.
struct Case {
  const Event& event;
  const StateView& state;
  const Event& create;
  const PowerLevels& levels;
};

// content.membership of the user's m.room.member; "leave" where there is none.
[[nodiscard]] std::string membership_of(const StateView& state, std::string_view user_id);

[[nodiscard]] Result<void> authorise_member(const Case& at);

}  // namespace gims::matrix::detail
