#include "hsm/main/settings.hpp"

#include "base/config.hpp"
#include "sys/config_rules.hpp"
#include "sys/users.hpp"

namespace gims::hsm {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_admins = 16;

void give(Server::RolesOfUsers& users, const std::string& user, Role role) {
  if (const auto uid = sys::uid_of(user)) users[*uid] = users[*uid] | role;
}

}  // namespace

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
  settings.tpm.time_limit = config.duration("tpm.time_limit", settings.tpm.time_limit, 1s, 120s);

  give(settings.users, config.text("peers.tlsd", sys::user_rule()), Role::tlsd);
  give(settings.users, config.text("peers.gimsd", sys::user_rule()), Role::gimsd);
  for (const std::string& admin : config.texts("peers.admins", 1, most_admins, sys::user_rule())) {
    give(settings.users, admin, Role::admin);
  }
  GIMS_TRY(config.finish());
  return settings;
}

}  // namespace gims::hsm
