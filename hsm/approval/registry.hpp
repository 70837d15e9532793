// The administrators of a site.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "hsm/approval/administrator.hpp"
#include "hsm/approval/assertion.hpp"

namespace gims::hsm::approval {

inline constexpr std::size_t max_administrators = 16;

// GIMS_APPROVAL_UNKNOWN (not_found).
[[nodiscard]] std::unexpected<Error> unknown_administrator();

// At most 16, in the order in which they came. No two share a name, a credential id or a public
// key: one key must not count as two persons. Whoever keeps a registry stores it anew after each
// change, verify() included. A call that fails leaves it as it was. Thread: one.
class Registry {
 public:
  // Fails (bad_input) with GIMS_APPROVAL_ADMINISTRATOR as check() does; (conflict) with
  // GIMS_APPROVAL_TAKEN when the name or key is there, GIMS_APPROVAL_FULL when there are 16.
  [[nodiscard]] Result<> add(Administrator administrator);
  // These two fail (not_found, GIMS_APPROVAL_UNKNOWN) when there is no such administrator, the
  // second also as check() does.
  [[nodiscard]] Result<> remove(std::string_view name);
  [[nodiscard]] Result<> set_roles(std::string_view name, Roles roles);

  // Null when there is none. Good until the next change.
  [[nodiscard]] const Administrator* find(std::string_view name) const;
  [[nodiscard]] std::span<const Administrator> all() const noexcept { return administrators_; }

  // Of the administrator who is named in the assertion: as approval::verify(), and remembers the
  // authenticator's counter. Fails also with GIMS_APPROVAL_UNKNOWN.
  [[nodiscard]] Result<> verify(const Challenge& challenge, const Assertion& assertion);

  bool operator==(const Registry&) const = default;

 private:
  [[nodiscard]] Result<Administrator*> known(std::string_view name);
  std::vector<Administrator> administrators_;
};

void encode(Writer& writer, const Registry& value);
// Fails (bad_input, GIMS_KEYD_FRAME) for whatever encode() would not write.
[[nodiscard]] Result<Registry> decode_registry(BytesView body);

}  // namespace gims::hsm::approval
