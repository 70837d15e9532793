// The roles of administrators, as gims-keyd keeps them, and their names in the admin API.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "hsm/approval/administrator.hpp"

namespace gims::service::console {

using hsm::approval::Role;
using hsm::approval::Roles;

inline constexpr std::array<std::pair<Role, std::string_view>, 3> role_names{{
    {Role::administrator, "administrator"},
    {Role::security_officer, "security_officer"},
    {Role::auditor, "auditor"},
}};
[[nodiscard]] constexpr std::optional<Role> role_named(std::string_view text) noexcept {
  for (const auto& [role, name] : role_names) {
    if (name == text) return role;
  }
  return std::nullopt;
}

inline constexpr Roles every_role{Role::administrator, Role::security_officer, Role::auditor};

}  // namespace gims::service::console
