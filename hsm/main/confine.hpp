// Giving up what gims-keyd does not need, for the service and for what it does as a command.
#pragma once

#include "hsm/main/settings.hpp"

namespace gims::hsm {

// The user, core dumps and tracing. Before any file of its own is read.
[[nodiscard]] Result<> give_up_rights(const Settings& settings);
// System calls and files. Every descriptor that needs more is open by then; the state folder is
// there. One thread.
[[nodiscard]] Result<> enter_sandbox(const Settings& settings);

}  // namespace gims::hsm
