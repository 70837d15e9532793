// The configuration of gimsd (docs/admin-guide.md has each key).
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "app/push_gateway.hpp"
#include "base/config.hpp"
#include "http/server.hpp"
#include "service/calls.hpp"
#include "service/policy.hpp"
#include "store/store.hpp"

namespace gims::app {

struct Settings {
  std::string user;  // to run as; empty: whoever started it
  std::filesystem::path data_folder;
  std::string keyd_socket;
  // gims-tlsd hands connections over here, and runs as this user.
  std::string intake_socket;
  uid_t intake_sender = 0;
  store::Migrate migrate = store::Migrate::at_open;
  std::string admin_socket;
  std::vector<uid_t> admins;  // beside root
  http::ServerOptions http;
  // server_name is left empty: gims-keyd says it.
  service::Policy policy;
  service::CallRelay relay;  // its secret too is gims-keyd's to say
  PushSettings push;
};

// Fails with every problem of the file, a line each (Config::finish).
[[nodiscard]] Result<Settings> load_settings(const std::string& path);
[[nodiscard]] Result<Settings> parse_settings(std::string_view toml, std::string source);

}  // namespace gims::app
