// The subcommands of gims-keyd: what an administrator asks of it.
#pragma once

#include <memory>
#include <string>

#include "hsm/main/settings.hpp"
#include "hsm/proto/client.hpp"

namespace gims::hsm {

// A connection to the gims-keyd that runs, with the patience that its hardware may need.
[[nodiscard]] Result<std::unique_ptr<Client>> running(const Settings& settings);

// Each asks it, and tells on stdout what it did.
[[nodiscard]] Result<> run_status(const Settings& settings);
// A line of the hardware was pulled: what can be destroyed is.
[[nodiscard]] Result<> run_zeroize(const Settings& settings);

// GIMS_VERSION of the build.
[[nodiscard]] std::string program_version();

}  // namespace gims::hsm
