// The configuration file of gims-tlsd.
#pragma once

#include <string>

#include "tls/front.hpp"

namespace gims::tls {

//   user = "gims-tlsd"             # become this user when started as root
//   kernel_tls = true              # where the kernel has it; false: never
//
//   [[listen]]                     # 1 to 16
//   door = "client"                # or "console"
//   address = "0.0.0.0"            # an IP address; "::" takes IPv6 alone
//   port = 8443
//
//   [keyd]
//   socket = "/run/gims/keyd/socket"
//   leaf_lifetime = "24h"
//
//   [gimsd]
//   socket = "/run/gims/gimsd/connections"
//
//   [limits]                       # what is over one is closed at once
//   connections = 16384
//   connections_per_address = 1024
//   handshakes = 1024
//   handshakes_per_address = 256
//   handshake_deadline = "10s"
//   idle_timeout = "10m"
//
//   [threads]
//   handshakes = 2
//   pumps = 2
struct Settings {
  std::string user;  // empty: stay who we are
  std::string keyd_socket;
  std::chrono::seconds leaf_lifetime{0};
  std::string gimsd_socket;
  FrontOptions front;
};

// Fails (bad_input, GIMS_CONFIG) with every problem of the file, one a line.
[[nodiscard]] Result<Settings> load_settings(const std::string& path);
[[nodiscard]] Result<Settings> parse_settings(std::string_view toml, std::string source);

}  // namespace gims::tls
