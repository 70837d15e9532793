// gimsd: the messaging daemon of a site.
#pragma once

#include "app/settings.hpp"

namespace gims::app {

// Serves until SIGTERM. Waits for gims-keyd to be operational first, and says so in its status.
[[nodiscard]] Result<> run_gimsd(Settings settings);

}  // namespace gims::app
