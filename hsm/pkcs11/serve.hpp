// gims-pkcs11d as a service.
#pragma once

#include "hsm/pkcs11/settings.hpp"

namespace gims::hsm::pkcs11 {

// Runs until SIGTERM. In the order in which rights are given up: the PIN is read, user, core dumps
// and tracing, the module is loaded and started once, then system calls and files.
[[nodiscard]] Result<> run_service(const Settings& settings);

}  // namespace gims::hsm::pkcs11
