#include "hsm/main/settings.hpp"

#include "base/config.hpp"
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

}  // namespace

std::unique_ptr<Vault> vault_of(const Settings& settings) {
  tpm2::Options options = settings.tpm;
  options.release = release::read_policy(settings.policy_file);
  return tpm2::make_vault(std::move(options));
}

Result<Settings> load_settings(const std::string& path) {
  GIMS_TRY_ASSIGN(Config config, Config::load(path));
  Settings settings;
  settings.socket = sys::socket_path(config, "socket");
  settings.state_folder = config.path("state_folder");
  settings.user = config.text("user", "", sys::user_rule());

  const Config::TextRule tcti{
      .good = [](std::string_view text) { return tpm2::parse_address(text).has_value(); },
      .allowed = "\"device:/dev/tpmrm0\" or \"swtpm:path=/…\""};
  if (const auto address = tpm2::parse_address(config.text("tpm.tcti", tcti))) {
    settings.tpm.address = *address;
  }
  settings.policy_file = config.path("tpm.release_policy");
  settings.firmware_log = config.path("tpm.firmware_log", "");
  settings.userspace_log = config.path("tpm.userspace_log", "");
  settings.tpm.time_limit = config.duration("tpm.time_limit", settings.tpm.time_limit, 1s, 25s);

  give(settings.users, config.text("peers.tlsd", sys::user_rule()), Role::tlsd);
  if (!give(settings.users, config.text("peers.gimsd", sys::user_rule()), Role::gimsd)) {
    config.refuse("peers.gimsd", "another user than that of peers.tlsd");
  }
  for (const std::string& admin : config.texts("peers.admins", 1, most_admins, sys::user_rule())) {
    if (!give(settings.users, admin, Role::admin)) {
      config.refuse("peers.admins", "other users than those of peers.tlsd and peers.gimsd");
    }
  }
  GIMS_TRY(config.finish());
  return settings;
}

}  // namespace gims::hsm
