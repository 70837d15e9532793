// gims-keyd: the custodian of the site's keys (docs/protocol-keyd.md).
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/log.hpp"
#include "hsm/main/commands.hpp"
#include "hsm/main/serve.hpp"

namespace {

using gims::Result;
namespace hsm = gims::hsm;

// Libraries that look into their surroundings: tpm2-tss writes what the TPM refuses to stderr,
// which we report ourselves; its OpenSSL would read a configuration that may name modules to load.
void quiet_libraries() {
  // There is one thread.
  ::setenv("TSS2_LOG", "all+none", 0);       // NOLINT(concurrency-mt-unsafe)
  ::setenv("OPENSSL_CONF", "/dev/null", 1);  // NOLINT(concurrency-mt-unsafe)
}

int tell(const Result<>& result) {
  if (result) return 0;
  std::fprintf(stderr, "gims-keyd: %s\n", result.error().text.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  quiet_libraries();
  CLI::App app("The custodian of the site's keys. Without a subcommand it serves until SIGTERM.");
  std::string config = "/etc/gims/keyd.toml";
  bool check_only = false;
  app.add_option("--config", config, "The configuration file")->capture_default_str();
  app.add_flag("--check-config", check_only, "Read the configuration, tell what is wrong, and end");
  app.require_subcommand(0, 1);
  app.fallthrough();

  hsm::ProvisionArguments site;
  CLI::App* provision = app.add_subcommand("provision", "Make the keys of a new site");
  provision->add_option("--server-name", site.server_name, "Matrix server name: gims.internal")
      ->required();
  provision->add_option("--organisation", site.organisation, "Whose site it is")->required();
  provision->add_option("--dns-name", site.dns_names,
                        "DNS name of the TLS certificate; repeatable");
  provision->add_option("--address", site.addresses, "IP address of the certificate; repeatable");
  provision->add_option("--dev-root-key", site.dev_root_key_file,
                        "Development: a file with the 32 bytes of the root key; refused unless the "
                        "TPM is a software one");
  provision->add_flag("--replace", site.replace,
                      "Destroy the keys that the TPM holds for an earlier site");
  CLI::App* status = app.add_subcommand("status", "Tell the state of the gims-keyd that runs");
  CLI::App* unlock = app.add_subcommand("unlock", "Try again what failed at start");
  CLI::App* zeroize = app.add_subcommand("zeroize", "Destroy the keys for good");
  bool sure = false;
  zeroize->add_flag("--destroy-all-keys", sure, "Required: there is no way back")->required();
  bool files_only = false;
  zeroize->add_flag(
      "--files-only", files_only,
      "Remove the files although the TPM that holds the keys does not destroy its part");
  CLI11_PARSE(app, argc, argv);

  const auto settings = hsm::load_settings(config);
  if (!settings) {
    std::fprintf(stderr, "%s\n", settings.error().text.c_str());
    return 2;
  }
  if (check_only) return 0;
  if (provision->parsed()) return tell(hsm::run_provision(*settings, site));
  if (status->parsed()) return tell(hsm::run_status(*settings));
  if (unlock->parsed()) return tell(hsm::run_unlock(*settings));
  if (zeroize->parsed()) return tell(hsm::run_zeroize(*settings, files_only));
  const auto ran = hsm::run_service(*settings);
  if (!ran) gims::log::failure(gims::log::id::cannot_run, "gims-keyd cannot run", ran.error());
  return ran ? 0 : 1;
}
