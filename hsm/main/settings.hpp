// gims-keyd's configuration file.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "hsm/core/server.hpp"
#include "hsm/pkcs11/remote_vault.hpp"
#include "hsm/tpm2/tpm2_vault.hpp"

namespace gims::hsm {

struct Settings {
  std::string socket;             // where the peers connect
  std::string volume_key_socket;  // where root reads the data volume's key; empty: nowhere
  std::string state_folder;       // gims-keyd's own
  std::string user;               // to become at start; empty: stay
  // One of them, or both: then both are needed to open the keys.
  std::optional<tpm2::Options> tpm;
  std::string policy_file;  // of the TPM: the release's (release/release_policy.hpp)
  std::string
      firmware_log;  // of the TPM: what was measured (core/event_logs.hpp); empty: not there
  std::string userspace_log;
  std::optional<pkcs11::RemoteOptions> pkcs11;
  Server::RolesOfUsers users;  // each has one role
};

// The vault that they describe. Reads the release's policy, so after the sandbox; does not touch
// the hardware yet.
[[nodiscard]] Result<std::unique_ptr<Vault>> vault_of(const Settings& settings);

// Fails (bad_input, GIMS_CONFIG) with every problem of the file: where it is and what is allowed.
[[nodiscard]] Result<Settings> load_settings(const std::string& path);

// How long one use of it may take.
[[nodiscard]] std::chrono::milliseconds time_limit_of(const Settings& settings);

}  // namespace gims::hsm
