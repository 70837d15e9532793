// gimsd-testsite: the server for conformance suites and for comparisons. Plain HTTP, keys in a
// file, everybody may register. Never part of a release.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace gims::testsite {

struct Options {
  std::string listen;  // "127.0.0.1:8008"; port 0: the kernel chooses
  std::string server_name;
  std::filesystem::path data;  // made if it is not there
  std::string room_version = "12";
  std::string shared_secret;  // of /_synapse/admin/v1/register; empty: no such route
  std::string tls_listen;     // also TLS here; empty: not
  std::string tls_cert;       // PEM
  std::string tls_key;
  std::string relay_host = {};  // as the relay for calls, which there is none of; empty: not
  bool rate_limits = false;     // for the contract tests: the product's limits
};

// Serves until SIGTERM. Writes "listening on ADDRESS:PORT" to stdout once it does.
[[nodiscard]] Result<> run(const Options& options);

// All routes as JSON (api::describe), made by a site in a temporary folder.
[[nodiscard]] Result<std::string> describe_routes();

}  // namespace gims::testsite
