// The subcommands of gims-keyd for the services around the daemons: calls, push, Wi-Fi.
#pragma once

#include <string>

#include "hsm/main/settings.hpp"

namespace gims::hsm {

struct ServicesArguments {
  std::string folder;         // where their credentials are written (site_files.hpp)
  std::string lists_folder;   // where it is written which devices are the site's, for everyone
  std::string relay_address;  // IPv4, where the settings name none
  std::string settings_file;  // service_settings.hpp
};

// Asks the gims-keyd that runs, as the user of peers.services, for the secrets of the services, has
// it certify keys that are made here, and writes all of it (docs/protocol-keyd.md, "Services").
// A certificate is made anew once half of its life is over. Nothing is written before everything is
// there.
[[nodiscard]] Result<> run_services(const Settings& settings, const ServicesArguments& arguments);

// Tells the Wi-Fi's names and its passphrase; as an administrator.
[[nodiscard]] Result<> run_wifi(const Settings& settings, const std::string& settings_file);

}  // namespace gims::hsm
