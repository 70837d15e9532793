// A change of who may approve, as two persons decide it.
#pragma once

#include <string>

#include "hsm/approval/registry.hpp"

namespace gims::hsm::approval {

// Who has one of these may say yes; auditors may not.
inline constexpr Roles approvers{Role::administrator, Role::security_officer};

struct Change {
  enum class Kind : std::uint8_t { add = 1, remove = 2, set_roles = 3 };
  Kind kind = Kind::remove;
  Administrator added;  // of add alone
  std::string name;     // of the other two
  Roles roles;          // of set_roles alone

  bool operator==(const Change&) const = default;
};

void encode(Writer& writer, const Change& value);
// Fails (bad_input, GIMS_KEYD_FRAME) for whatever encode() would not write.
[[nodiscard]] Result<Change> decode_change(BytesView body);

// The administrators after it. Fails as Registry's calls do, and (conflict, GIMS_APPROVAL_FEW) for
// a change after which fewer than two could approve: nobody could undo it.
[[nodiscard]] Result<Registry> changed(const Registry& before, const Change& change);
// Two at least can approve.
[[nodiscard]] Result<> check_enough(const Registry& registry);

// For a person: "add the administrator Asha, with the Ed25519 key 1f2e3d4c5b6a7988 of a file".
[[nodiscard]] std::string describe(const Change& change);
[[nodiscard]] std::string describe(Roles roles);
[[nodiscard]] std::string describe(const Administrator& one);
// Of the public key, as describe() has it: 16 hex digits, enough to tell one from another.
[[nodiscard]] std::string fingerprint(const Administrator& one);

}  // namespace gims::hsm::approval
