// The subcommands of gims-keyd: what an administrator asks of it.
#pragma once

#include <string>
#include <vector>

#include "hsm/main/settings.hpp"

namespace gims::hsm {

// As the command line gives them.
struct ProvisionArguments {
  std::string server_name;
  std::string organisation;
  std::vector<std::string> dns_names;
  std::vector<std::string> addresses;
  std::string dev_root_key_file;  // 32 bytes; empty: none
  bool replace = false;
};

// Each tells on stdout what it did. provision() asks the gims-keyd that runs, or, when none does,
// does its work itself as gims-keyd's user; the others need one that runs.
[[nodiscard]] Result<> run_provision(const Settings& settings, const ProvisionArguments& arguments);
[[nodiscard]] Result<> run_status(const Settings& settings);
[[nodiscard]] Result<> run_unlock(const Settings& settings);
[[nodiscard]] Result<> run_zeroize(const Settings& settings, bool files_only);

// GIMS_VERSION of the build.
[[nodiscard]] std::string program_version();

}  // namespace gims::hsm
