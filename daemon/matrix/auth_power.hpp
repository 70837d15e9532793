// The rules for m.room.power_levels (spec: rooms/v12, "Authorization rules", rule 10). For
// auth_rules.cpp.
#pragma once

#include "base/result.hpp"
#include "matrix/auth_member.hpp"

namespace gims::matrix::detail {

[[nodiscard]] Result<void> authorise_power_levels(const Case& at);

}  // namespace gims::matrix::detail
