// gims-keyd: the custodian of the site's keys (docs/protocol-keyd.md).
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/log.hpp"
#include "hsm/main/ceremonies.hpp"
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
  const gims::Error& error = result.error();
  // What the system says has its words in the detail.
  const bool ours = error.code.starts_with("GIMS_");
  std::fprintf(stderr, "gims-keyd: %s\n", ours ? error.text.c_str() : error.detail.c_str());
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
  hsm::SchemeArguments scheme;
  hsm::ShareArguments shares;
  std::string recovery_secret;
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
  CLI::App* recover = app.add_subcommand(
      "recover", "Bring a site's keys into this unit's hardware, by its recovery quorum");
  std::string recovery_from;
  bool replace = false;
  recover->add_option("--from", recovery_from,
                      "The recovery file; without, the one in the state folder");
  recover->add_flag("--replace", replace, "Destroy the keys that the TPM holds for an earlier site");
  CLI::App* reshare =
      app.add_subcommand("reshare", "Make new recovery shares, by a quorum of the present ones");
  CLI::App* accept_older = app.add_subcommand(
      "accept-older", "Take older files or an older database as the newest, by the quorum");
  CLI::App* renew_ca = app.add_subcommand("renew-ca", "Make a new issuing CA, by the quorum");
  for (CLI::App* makes : {provision, reshare}) {
    makes->add_option("--shares", scheme.shares, "How many shares are needed, of how many")
        ->capture_default_str();
    makes->add_option("--group", scheme.groups,
                      "Instead: a group of shares, as 2/3 for two of three; repeatable");
    makes->add_option("--groups", scheme.groups_needed, "How many groups are needed; all otherwise");
    makes->add_option("--shares-to", shares.to,
                      "Write the new shares to this file, for what prints them, and do not ask for "
                      "them again");
    makes->add_option("--dev-recovery-secret", recovery_secret,
                      "Development: a file with the 32 bytes of the recovery secret; refused unless "
                      "the TPM is a software one");
  }
  for (CLI::App* takes : {recover, reshare, accept_older, renew_ca}) {
    takes->add_option("--shares-from", shares.from,
                      "Take the quorum's shares from this file, one a line, and not from the "
                      "terminal");
  }
  CLI::App* abort_ceremony =
      app.add_subcommand("abort-ceremony", "End the ceremony that is going on: nothing is changed");
  CLI::App* recovery_file =
      app.add_subcommand("recovery-file", "Give the file that the recovery quorum opens");
  std::string out;
  recovery_file->add_option("--out", out, "Where to write it")->required();
  CLI::App* crl = app.add_subcommand("crl", "Print the list of the CAs that the site root revoked");
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
  if (provision->parsed()) {
    site.dev_recovery_secret_file = recovery_secret;
    return tell(hsm::run_provision(*settings, site, scheme, shares));
  }
  if (recover->parsed()) {
    return tell(hsm::run_recover(*settings, recovery_from, replace, shares));
  }
  if (reshare->parsed()) return tell(hsm::run_reshare(*settings, scheme, recovery_secret, shares));
  if (accept_older->parsed()) return tell(hsm::run_accept_older(*settings, shares));
  if (renew_ca->parsed()) return tell(hsm::run_renew_ca(*settings, shares));
  if (abort_ceremony->parsed()) return tell(hsm::run_abort_ceremony(*settings));
  if (recovery_file->parsed()) return tell(hsm::run_recovery_file(*settings, out));
  if (crl->parsed()) return tell(hsm::run_crl(*settings));
  if (status->parsed()) return tell(hsm::run_status(*settings));
  if (unlock->parsed()) return tell(hsm::run_unlock(*settings));
  if (zeroize->parsed()) return tell(hsm::run_zeroize(*settings, files_only));
  const auto ran = hsm::run_service(*settings);
  if (!ran) gims::log::failure(gims::log::id::cannot_run, "gims-keyd cannot run", ran.error());
  return ran ? 0 : 1;
}
