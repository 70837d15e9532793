#include "hsm/main/settings.hpp"

#include <utility>

#include "base/config.hpp"
#include "hsm/core/attended_vault.hpp"
#include "hsm/core/combined_vault.hpp"
#include "hsm/release/release_policy.hpp"
#include "sys/config_rules.hpp"
#include "sys/users.hpp"

namespace gims::hsm {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_admins = 16;

// A user with two roles would be one daemon that may do what the other is kept from. False: it has
// another role already.
bool give(Server::RolesOfUsers& users, const std::string& user, Role role) {
  const auto uid = sys::uid_of(user);
  if (!uid) return true;  // which was refused
  const Roles given = Roles{} | role;
  return users.try_emplace(*uid, given).first->second.bits == given.bits;
}

// Of one use of the vault, so that a client of ours, which waits 30 s, hears what became of it.
constexpr std::chrono::milliseconds longest_use = 25s;

tpm2::Options read_tpm(Config& config, bool alone) {
  tpm2::Options tpm;
  if (!alone) tpm.time_limit = 10s;
  const Config::TextRule tcti{
      .good = [](std::string_view text) { return tpm2::parse_address(text).has_value(); },
      .allowed = "\"device:/dev/tpmrm0\" or \"swtpm:path=/…\""};
  if (const auto address = tpm2::parse_address(config.text("tpm.tcti", tcti))) {
    tpm.address = *address;
  }
  tpm.time_limit = config.duration("tpm.time_limit", tpm.time_limit, 1s, longest_use);
  return tpm;
}

pkcs11::RemoteOptions read_pkcs11(Config& config, bool alone) {
  pkcs11::RemoteOptions remote;
  if (!alone) remote.time_limit = 15s;
  remote.socket = sys::socket_path(config, "pkcs11.socket");
  remote.time_limit = config.duration("pkcs11.time_limit", remote.time_limit, 1s, longest_use);
  return remote;
}

}  // namespace

Result<Settings> load_settings(const std::string& path) {
  GIMS_TRY_ASSIGN(Config config, Config::load(path));
  Settings settings;
  settings.socket = sys::socket_path(config, "socket");
  settings.state_folder = config.path("state_folder");
  settings.user = config.text("user", "", sys::user_rule());

  const bool tpm = config.has("tpm");
  const bool hsm = config.has("pkcs11");
  if (tpm) {
    settings.tpm = read_tpm(config, !hsm);
    settings.policy_file = config.path("tpm.release_policy");
    settings.firmware_log = config.path("tpm.firmware_log", "");
    settings.userspace_log = config.path("tpm.userspace_log", "");
  }
  if (hsm) settings.pkcs11 = read_pkcs11(config, !tpm);
  if (time_limit_of(settings) > longest_use) {
    config.refuse("pkcs11.time_limit", "at most 25s together with tpm.time_limit");
  }
  if (!tpm && !hsm) {
    config.refuse("tpm", "a table [tpm], or [pkcs11], or both: where the keys are kept");
  }

  give(settings.users, config.text("peers.tlsd", sys::user_rule()), Role::tlsd);
  if (!give(settings.users, config.text("peers.gimsd", sys::user_rule()), Role::gimsd)) {
    config.refuse("peers.gimsd", "another user than that of peers.tlsd");
  }
  const std::string tamper = config.text("peers.tamper", "", sys::user_rule());
  if (!tamper.empty() && !give(settings.users, tamper, Role::tamper)) {
    config.refuse("peers.tamper", "another user than those of peers.tlsd and peers.gimsd");
  }
  const std::string volume = config.text("peers.volume", "", sys::user_rule());
  if (!volume.empty() && !give(settings.users, volume, Role::volume)) {
    config.refuse("peers.volume", "another user than those of the other peers");
  }
  const std::string services = config.text("peers.services", "", sys::user_rule());
  if (!services.empty() && !give(settings.users, services, Role::services)) {
    config.refuse("peers.services", "another user than those of the other peers");
  }
  for (const std::string& admin : config.texts("peers.admins", 1, most_admins, sys::user_rule())) {
    if (!give(settings.users, admin, Role::admin)) {
      config.refuse("peers.admins", "other users than those of the other peers");
    }
  }
  GIMS_TRY(config.finish());
  return settings;
}

namespace {

Result<std::unique_ptr<Vault>> hardware_of(const Settings& settings) {
  std::unique_ptr<Vault> tpm;
  if (settings.tpm) {
    tpm2::Options options = *settings.tpm;
    options.release = release::read_policy(settings.policy_file);
    tpm = tpm2::make_vault(std::move(options));
  }
  if (!settings.pkcs11) return tpm;
  GIMS_TRY_ASSIGN(auto hsm, pkcs11::make_remote_vault(*settings.pkcs11));
  if (!tpm) return hsm;
  return make_combined_vault(std::move(tpm), std::move(hsm));
}

}  // namespace

Result<std::unique_ptr<Vault>> vault_of(const Settings& settings) {
  GIMS_TRY_ASSIGN(auto hardware, hardware_of(settings));
  return make_attended_vault(std::move(hardware));
}

std::chrono::milliseconds time_limit_of(const Settings& settings) {
  std::chrono::milliseconds limit{};
  if (settings.tpm) limit += settings.tpm->time_limit;
  if (settings.pkcs11) limit += settings.pkcs11->time_limit;
  return limit;
}

}  // namespace gims::hsm
