// gims-keyd: the custodian of the site's keys (docs/protocol-keyd.md).
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "hsm/decisions.hpp"
#include "hsm/main/attendance.hpp"
#include "hsm/main/ceremonies.hpp"
#include "hsm/main/certificates.hpp"
#include "hsm/main/commands.hpp"
#include "hsm/main/serve.hpp"
#include "hsm/main/services.hpp"
#include "hsm/main/unit.hpp"

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

// The subcommands and their options. It lives as long as the command line is read.
class Subcommands {
 public:
  explicit Subcommands(CLI::App& app) : app_(app), decisions_(app) {
    add_ceremonies();
    add_certificates();
    add_state();
    add_persons();
    add_services();
  }
  // Of the one that was given; empty: none was.
  [[nodiscard]] std::function<Result<>(const hsm::Settings&)> chosen() const {
    for (const auto& [command, run] : all_) {
      if (command->parsed()) return run;
    }
    return decisions_.chosen();
  }

 private:
  CLI::App* add(const char* name, const char* what,
                std::function<Result<>(const hsm::Settings&)> run) {
    CLI::App* command = app_.add_subcommand(name, what);
    all_.emplace_back(command, std::move(run));
    return command;
  }
  void add_ceremonies();
  void add_provision();
  void add_certificates();
  void add_state();
  void add_persons();
  void add_services();
  void add_shares_to(CLI::App* makes);
  void add_shares_from(CLI::App* takes);

  CLI::App& app_;
  hsm::Decisions decisions_;
  std::vector<std::pair<CLI::App*, std::function<Result<>(const hsm::Settings&)>>> all_;

  hsm::ProvisionArguments site_;
  hsm::SchemeArguments scheme_;
  hsm::ShareArguments shares_;
  std::string recovery_secret_;
  std::string recovery_from_;
  bool replace_ = false;
  std::string out_;
  hsm::DeviceArguments device_;
  std::string serial_;
  bool by_line_ = false;
  std::string person_;
  bool security_key_ = false;
  std::uint32_t approval_ = 0;
  hsm::ServicesArguments services_;
};

void Subcommands::add_shares_to(CLI::App* makes) {
  makes->add_option("--shares", scheme_.shares, "How many shares are needed, of how many")
      ->capture_default_str();
  makes->add_option("--group", scheme_.groups,
                    "Instead: a group of shares, as 2/3 for two of three; repeatable");
  makes->add_option("--groups", scheme_.groups_needed, "How many groups are needed; all otherwise");
  makes->add_option("--shares-to", shares_.to,
                    "Write the new shares to this file, for what prints them, and do not ask for "
                    "them again");
  makes->add_option("--dev-recovery-secret", recovery_secret_,
                    "Development: a file with the 32 bytes of the recovery secret; refused unless "
                    "the TPM or HSM is a software one");
}

void Subcommands::add_shares_from(CLI::App* takes) {
  takes->add_option("--shares-from", shares_.from,
                    "Take the quorum's shares from this file, one a line, and not from the "
                    "terminal");
}

void Subcommands::add_provision() {
  CLI::App* provision =
      add("provision", "Make the keys of a new site",
          [this](const hsm::Settings& settings) -> Result<> {
            GIMS_TRY_ASSIGN(site_.administrators, decisions_.named(site_.server_name));
            site_.replace = replace_;
            site_.dev_recovery_secret_file = recovery_secret_;
            return hsm::run_provision(settings, site_, scheme_, shares_);
          });
  provision->add_option("--server-name", site_.server_name, "Matrix server name: gims.internal")
      ->required();
  provision->add_option("--organisation", site_.organisation, "Whose site it is")->required();
  provision->add_option("--dns-name", site_.dns_names,
                        "DNS name of the TLS certificate; repeatable");
  provision->add_option("--address", site_.addresses, "IP address of the certificate; repeatable");
  provision->add_option("--dev-root-key", site_.dev_root_key_file,
                        "Development: a file with the 32 bytes of the root key; refused unless the "
                        "TPM or HSM is a software one");
  provision->add_flag("--replace", replace_,
                      "Destroy the keys that the TPM or HSM holds for an earlier site");
  decisions_.name_administrators(*provision);
  add_shares_to(provision);
}

void Subcommands::add_ceremonies() {
  add_provision();
  CLI::App* recover =
      add("recover", "Bring a site's keys into this unit's hardware, by its recovery quorum",
          [this](const hsm::Settings& settings) -> Result<> {
            GIMS_TRY_ASSIGN(hsm::Bytes administrators, decisions_.named(""));
            return hsm::run_recover(settings, recovery_from_, replace_, std::move(administrators),
                                    shares_);
          });
  decisions_.name_administrators(*recover);
  recover->add_option("--from", recovery_from_,
                      "The recovery file; without, the one in the state folder");
  recover->add_flag("--replace", replace_,
                    "Destroy the keys that the TPM or HSM holds for an earlier site");
  CLI::App* reshare = add("reshare", "Make new recovery shares, by a quorum of the present ones",
                          [this](const hsm::Settings& settings) {
                            return hsm::run_reshare(settings, scheme_, recovery_secret_, shares_);
                          });
  add_shares_to(reshare);
  CLI::App* accept_older = add(
      "accept-older", "Take older files or an older database as the newest, by the quorum",
      [this](const hsm::Settings& settings) { return hsm::run_accept_older(settings, shares_); });
  CLI::App* renew_ca =
      add("renew-ca", "Make a new issuing CA, by the quorum",
          [this](const hsm::Settings& settings) { return hsm::run_renew_ca(settings, shares_); });
  CLI::App* name_administrators =
      add("name-administrators", "Say anew who may approve, by the quorum",
          [this](const hsm::Settings& settings) -> Result<> {
            GIMS_TRY_ASSIGN(hsm::Bytes administrators, decisions_.named(""));
            return hsm::run_name_administrators(settings, std::move(administrators), shares_);
          });
  decisions_.name_administrators(*name_administrators);
  for (CLI::App* takes : {recover, reshare, accept_older, renew_ca, name_administrators}) {
    add_shares_from(takes);
  }
  add("abort-ceremony", "End the ceremony that is going on: nothing is changed",
      hsm::run_abort_ceremony);
  CLI::App* recovery_file =
      add("recovery-file", "Give the file that the recovery quorum opens",
          [this](const hsm::Settings& settings) { return hsm::run_recovery_file(settings, out_); });
  recovery_file->add_option("--out", out_, "Where to write it")->required();
}

void Subcommands::add_certificates() {
  add("crl", "Print the lists of revoked certificates: of CAs by the site root, of devices by them",
      hsm::run_crl);
  CLI::App* site_root =
      add("site-root", "Print the site's root certificate (PEM), which devices are given",
          [this](const hsm::Settings& settings) { return hsm::run_site_root(settings, out_); });
  site_root->add_option("--out", out_, "Write it to this file instead, as DER");
  CLI::App* certify = add("certify-device", "Make a certificate for the key of a device's request",
                          [this](const hsm::Settings& settings) {
                            device_.out = out_;
                            return hsm::run_certify_device(settings, device_);
                          });
  certify->add_option("--request", device_.request_file, "PKCS #10, of a P-256 key")->required();
  certify->add_option("--user", device_.user, "Whose it is: @asha:gims.internal")->required();
  certify->add_option("--device", device_.device, "The device's id")->required();
  certify->add_option("--days", device_.days, "How long it lasts, 366 at most")
      ->capture_default_str();
  certify->add_option("--out", out_, "Where to write it")->required();
  CLI::App* revoke = add(
      "revoke-device", "Take a device's certificate back",
      [this](const hsm::Settings& settings) { return hsm::run_revoke_device(settings, serial_); });
  revoke->add_option("--serial", serial_, "Its serial number")->required();
}

void Subcommands::add_state() {
  add("status", "Tell the state of the gims-keyd that runs", hsm::run_status);
  CLI::App* zeroize =
      add("zeroize", "Destroy the keys for good, at once; persons: see propose zeroize",
          hsm::run_zeroize);
  zeroize
      ->add_flag("--hardware-line", by_line_,
                 "Required: this is a line of the hardware, run as the user of peers.tamper")
      ->required();
  add("volume-key", "Write the key of the unit's data volume to a socket or a pipe",
      hsm::run_volume_key);
  add("raise-release", "This release is good: open the keys to no older one any more",
      hsm::run_raise_release);
  CLI::App* unlock = add(
      "unlock", "Try again what failed at start; where a person is needed, ask at this terminal",
      [this](const hsm::Settings& settings) { return hsm::run_unlock(settings, person_); });
  unlock->add_option("--person", person_, "Who is there, where several can open the site");
}

void Subcommands::add_persons() {
  CLI::App* person =
      app_.add_subcommand("person", "Who is needed to open the keys after each start");
  person->require_subcommand(1);
  all_.emplace_back(person->add_subcommand("list", "Name them"), hsm::run_persons);
  CLI::App* add_one =
      person->add_subcommand("add", "Add one, with a passphrase that is typed at this terminal");
  add_one->add_option("name", person_, "The person's name")->required();
  add_one
      ->add_option("--approval", approval_,
                   "The number of what two administrators approved: propose person-add")
      ->required();
  add_one->add_flag("--security-key", security_key_,
                    "Instead: with the FIDO2 security key that is plugged in");
  all_.emplace_back(add_one, [this](const hsm::Settings& settings) {
    return hsm::run_add_person(settings, person_,
                               security_key_ ? hsm::FactorKind::fido2 : hsm::FactorKind::passphrase,
                               approval_);
  });
}

void Subcommands::add_services() {
  const auto site_settings = [this](CLI::App* command) {
    command
        ->add_option("--settings", services_.settings_file,
                     "What the site says of its own (TOML), where it is there")
        ->capture_default_str();
  };
  services_.settings_file = "/var/lib/gims/site/services.toml";
  CLI::App* services =
      add("services", "Write the credentials of calls, push and Wi-Fi",
          [this](const hsm::Settings& settings) { return hsm::run_services(settings, services_); });
  services
      ->add_option("--out", services_.folder,
                   "The folder: in memory, and of the user's own who runs this")
      ->required();
  services
      ->add_option("--lists-out", services_.lists_folder,
                   "The same for what is no secret, and read by others")
      ->required();
  services
      ->add_option("--relay-address", services_.relay_address,
                   "Where the relay for calls listens, unless the settings say so")
      ->check(CLI::ValidIPV4)
      ->required();
  site_settings(services);
  site_settings(add("wifi", "Tell the Wi-Fi's names and its passphrase",
                    [this](const hsm::Settings& settings) {
                      return hsm::run_wifi(settings, services_.settings_file);
                    }));
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
  Subcommands subcommands(app);
  CLI11_PARSE(app, argc, argv);

  const auto settings = hsm::load_settings(config);
  if (!settings) {
    std::fprintf(stderr, "%s\n", settings.error().text.c_str());
    return 2;
  }
  if (check_only) return 0;
  if (const auto run = subcommands.chosen()) return tell(run(*settings));
  const auto ran = hsm::run_service(*settings);
  if (!ran) gims::log::failure(gims::log::id::cannot_run, "gims-keyd cannot run", ran.error());
  return ran ? 0 : 1;
}
