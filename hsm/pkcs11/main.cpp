// gims-pkcs11d: the process in which the HSM's module runs (docs/protocol-keyd.md, "The HSM").
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/log.hpp"
#include "hsm/pkcs11/serve.hpp"

int main(int argc, char** argv) {
  namespace pkcs11 = gims::hsm::pkcs11;
  // Modules are often made of OpenSSL, whose configuration may name further modules to load. There
  // is one thread.
  ::setenv("OPENSSL_CONF", "/dev/null", 0);  // NOLINT(concurrency-mt-unsafe)
  CLI::App app("The process in which the HSM's PKCS#11 module runs. It serves until SIGTERM.");
  std::string config = "/etc/gims/pkcs11.toml";
  bool check_only = false;
  app.add_option("--config", config, "The configuration file")->capture_default_str();
  app.add_flag("--check-config", check_only, "Read the configuration, tell what is wrong, and end");
  CLI11_PARSE(app, argc, argv);

  const auto settings = pkcs11::load_settings(config);
  if (!settings) {
    std::fprintf(stderr, "%s\n", settings.error().text.c_str());
    return 2;
  }
  if (check_only) return 0;
  const auto ran = pkcs11::run_service(*settings);
  if (!ran) gims::log::failure(gims::log::id::cannot_run, "gims-pkcs11d cannot run", ran.error());
  return ran ? 0 : 1;
}
