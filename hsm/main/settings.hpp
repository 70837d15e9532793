// gims-keyd's configuration file.
#pragma once

#include <string>

#include "hsm/core/server.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"

namespace gims::hsm {

struct Settings {
  std::string socket;        // where the peers connect
  std::string state_folder;  // gims-keyd's own
  std::string user;          // to become at start; empty: stay
  tpm2::Options tpm;
  Server::RolesOfUsers users;  // each has one role
};

// Fails (bad_input, GIMS_CONFIG) with every problem of the file: where it is and what is allowed.
[[nodiscard]] Result<Settings> load_settings(const std::string& path);

}  // namespace gims::hsm
