// The persons without whom an attended site does not open: gims-keyd unlock and gims-keyd person,
// at a terminal. Passphrases and PINs are read there, and nowhere else.
#pragma once

#include <string>

#include "hsm/main/settings.hpp"
#include "hsm/proto/attendance_messages.hpp"

namespace gims::hsm {

// Tries again what failed at start. Where the site waits for a person, it asks for the passphrase,
// or the security key, of the person with this name; empty: of the only one.
[[nodiscard]] Result<> run_unlock(const Settings& settings, const std::string& name);

[[nodiscard]] Result<> run_persons(const Settings& settings);
[[nodiscard]] Result<> run_add_person(const Settings& settings, const std::string& name,
                                      FactorKind kind);
[[nodiscard]] Result<> run_remove_person(const Settings& settings, const std::string& name);

}  // namespace gims::hsm
