// The persons without whom an attended site does not open: gims-keyd unlock and gims-keyd person,
// at a terminal. Passphrases and PINs are read there, and nowhere else.
#pragma once

#include <cstdint>
#include <string>

#include "hsm/main/settings.hpp"
#include "hsm/proto/attendance_messages.hpp"

namespace gims::hsm {

// Tries again what failed at start. Where the site waits for a person, it asks for the passphrase,
// or the security key, of the person with this name; empty: of the only one.
[[nodiscard]] Result<> run_unlock(const Settings& settings, const std::string& name);

[[nodiscard]] Result<> run_persons(const Settings& settings);
// `approval`: the number of what two administrators approved (gims-keyd propose person-add).
[[nodiscard]] Result<> run_add_person(const Settings& settings, const std::string& name,
                                      FactorKind kind, std::uint32_t approval);

}  // namespace gims::hsm
