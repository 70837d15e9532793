// gims-keyd as a service.
#pragma once

#include "hsm/main/settings.hpp"

namespace gims::hsm {

// Runs until SIGTERM. In the order in which rights are given up: user, core dumps and tracing,
// descriptors, then system calls and files; only then is anything read.
[[nodiscard]] Result<> run_service(const Settings& settings);

}  // namespace gims::hsm
