// What an administrator may do in the console.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

namespace gims::service::console {

enum class Role : std::uint8_t {
  administrator = 1,     // officers, devices, rooms, the unit
  security_officer = 2,  // clearances, labels, custody
  auditor = 4,           // reads all, changes nothing
};

inline constexpr std::array<std::pair<Role, std::string_view>, 3> role_names{{
    {Role::administrator, "administrator"},
    {Role::security_officer, "security_officer"},
    {Role::auditor, "auditor"},
}};
[[nodiscard]] constexpr std::string_view name_of(Role role) noexcept {
  for (const auto& [known, name] : role_names) {
    if (known == role) return name;
  }
  return "";
}
[[nodiscard]] constexpr std::optional<Role> role_named(std::string_view text) noexcept {
  for (const auto& [role, name] : role_names) {
    if (name == text) return role;
  }
  return std::nullopt;
}

// A set of them.
class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> roles) {
    for (const Role role : roles) {
      bits_ = static_cast<std::uint8_t>(bits_ | static_cast<unsigned>(role));
    }
  }
  [[nodiscard]] constexpr bool has(Role role) const noexcept {
    return (bits_ & static_cast<unsigned>(role)) != 0;
  }
  bool operator==(const Roles&) const = default;

 private:
  std::uint8_t bits_ = 0;
};

inline constexpr Roles every_role{Role::administrator, Role::security_officer, Role::auditor};
// Whoever may change anything at all.
inline constexpr Roles changing_roles{Role::administrator, Role::security_officer};

}  // namespace gims::service::console
