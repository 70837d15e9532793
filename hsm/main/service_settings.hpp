// What a site says of its own about the services around the daemons.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace gims::hsm {

struct ServiceSettings {
  std::string relay_address;  // IPv4; empty: it does not say
  std::string wifi_name;      // of the network; empty: the site's name
  // Which of the passphrases that follow from the site's key is in use. A new one is a higher
  // number: it stands in no file.
  std::uint32_t wifi_passphrase = 1;
};

// Of a TOML file, which need not be there. Fails (bad_input, GIMS_CONFIG) with every problem.
[[nodiscard]] Result<ServiceSettings> load_service_settings(const std::string& path);

// Of a Wi-Fi, with room for what is added for devices that have no certificate yet.
inline constexpr std::size_t max_wifi_name = 24;

}  // namespace gims::hsm
