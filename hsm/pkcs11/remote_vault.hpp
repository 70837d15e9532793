// The vault that gims-keyd sees: it asks gims-pkcs11d, in which the vendor's module runs.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "hsm/core/vault.hpp"

namespace gims::hsm::pkcs11 {

struct RemoteOptions {
  std::string socket;
  // For one call; longer than gims-pkcs11d's own call_limit, so that it is gims-pkcs11d that says
  // what is wrong.
  std::chrono::milliseconds time_limit{25'000};
};

// Connects when it is asked for something, and anew when gims-pkcs11d was started anew. That it is
// not there, ended meanwhile or does not answer in time is an error as the HSM's absence is.
[[nodiscard]] Result<std::unique_ptr<Vault>> make_remote_vault(RemoteOptions options);

}  // namespace gims::hsm::pkcs11
