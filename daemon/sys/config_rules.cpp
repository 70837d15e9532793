#include "sys/config_rules.hpp"

#include "sys/users.hpp"

namespace gims::sys {
namespace {

constexpr std::size_t most_socket_path = 107;

}  // namespace

const Config::TextRule& user_rule() {
  static const Config::TextRule rule{
      .most = 256,
      .good = [](std::string_view user) { return uid_of(user).has_value(); },
      .allowed = "a user of this system, or a user's number"};
  return rule;
}

std::string socket_path(Config& config, std::string_view key) {
  std::string path = config.path(key);
  if (path.size() > most_socket_path) config.refuse(key, "a path of at most 107 bytes");
  return path;
}

}  // namespace gims::sys
