// gims-keyd's configuration file.
#pragma once

#include <memory>
#include <string>

#include "hsm/core/server.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"

namespace gims::hsm {

struct Settings {
  std::string socket;        // where the peers connect
  std::string state_folder;  // gims-keyd's own
  std::string user;          // to become at start; empty: stay
  tpm2::Options tpm;
  std::string policy_file;   // the release's (release/release_policy.hpp)
  std::string firmware_log;  // what was measured (core/event_logs.hpp); empty: not there
  std::string userspace_log;
  Server::RolesOfUsers users;  // each has one role
};

// The vault that they describe. Reads the release's policy, so after the sandbox.
[[nodiscard]] std::unique_ptr<Vault> vault_of(const Settings& settings);

// Fails (bad_input, GIMS_CONFIG) with every problem of the file: where it is and what is allowed.
[[nodiscard]] Result<Settings> load_settings(const std::string& path);

}  // namespace gims::hsm
