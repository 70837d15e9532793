// gims-keyd itself, for what only administrators may ask of it.
#pragma once

#include <string>

#include "hsm/proto/attest_messages.hpp"

namespace gims::ctl {

// Fails with gims-keyd's refusal, or with `unavailable` where it does not answer.
[[nodiscard]] Result<SecretBytes> activate_in_keyd(const std::string& socket,
                                                   const hsm::ActivateRequest& request);

// Does it answer, and have no site's keys yet?
[[nodiscard]] bool is_unprovisioned(const std::string& socket);

}  // namespace gims::ctl
