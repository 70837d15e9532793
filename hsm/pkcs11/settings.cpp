#include "hsm/pkcs11/settings.hpp"

#include <algorithm>
#include <charconv>

#include "base/config.hpp"
#include "sys/atomic_file.hpp"
#include "sys/config_rules.hpp"
#include "sys/users.hpp"

namespace gims::hsm::pkcs11 {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_paths = 16;
constexpr std::size_t most_ports = 8;

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

void read_token(Config& config, Settings& settings) {
  // Fields of CK_TOKEN_INFO: 32 and 16 characters.
  settings.token.label = config.text("token.label", "", {.most = 32, .allowed = "a token's label"});
  settings.token.serial =
      config.text("token.serial", "", {.most = 16, .allowed = "a token's serial number"});
  if (settings.token.label.empty() && settings.token.serial.empty()) {
    config.refuse("token.label", "the token's label, or token.serial its serial number");
  }
}

void read_paths(Config& config, Settings& settings) {
  settings.paths.push_back({.path = settings.module,
                            .right = sys::PathRight::read_file,
                            .reason = "modules that check themselves"});
  for (std::size_t i = 0; i < config.tables("paths", most_paths); ++i) {
    const std::string entry = "paths[" + std::to_string(i) + "].";
    const std::string path = config.path(entry + "path");
    const std::string right = config.choice(entry + "right", "read", {"read", "write", "device"});
    settings.paths.push_back({.path = path,
                              .right = right == "read"    ? sys::PathRight::read_tree
                                       : right == "write" ? sys::PathRight::write_tree
                                                          : sys::PathRight::device,
                              .reason = "the module's, by its configuration"});
  }
}

void read_network(Config& config, Settings& settings) {
  settings.network = config.boolean("network", false);
  const Config::TextRule rule{
      .most = 5,
      .good = [](std::string_view text) { return port_of(text).has_value(); },
      .allowed = "a TCP port such as \"9004\""};
  for (const std::string& port : config.texts("ports", 0, most_ports, rule)) {
    settings.ports.push_back(*port_of(port));
  }
  if (settings.network && settings.ports.empty()) {
    config.refuse("ports", "the HSM's TCP ports, as network = true says that there are some");
  }
  if (!settings.network && !settings.ports.empty()) {
    config.refuse("ports", "left out without network = true");
  }
}

}  // namespace

Result<Settings> load_settings(const std::string& path) {
  GIMS_TRY_ASSIGN(Config config, Config::load(path));
  Settings settings;
  settings.socket = sys::socket_path(config, "socket");
  settings.user = config.text("user", "", sys::user_rule());
  if (const auto uid = sys::uid_of(config.text("peer", sys::user_rule()))) settings.peer = *uid;
  settings.module = config.path("module");
  read_token(config, settings);
  settings.pin_file = config.path("pin_file");
  const std::string wrapping =
      config.choice("wrapping", "auto", {"auto", "aes-gcm", "aes-key-wrap-pad"});
  if (wrapping == "aes-gcm") settings.wrapping = Wrapping::gcm;
  if (wrapping == "aes-key-wrap-pad") settings.wrapping = Wrapping::key_wrap_pad;
  settings.call_limit = config.duration("call_limit", settings.call_limit, 1s, 24s);
  read_paths(config, settings);
  read_network(config, settings);
  GIMS_TRY(config.finish());
  return settings;
}

Result<SecretBytes> read_pin(const std::string& path) {
  auto line = sys::read_secret_file(path, max_pin + 1);
  if (!line && line.error().code != "EFBIG") {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
                "The PIN cannot be read from " + path + " (" + line.error().code + ").",
                line.error().detail);
  }
  std::span<const std::uint8_t> pin;
  if (line) pin = line->bytes();
  if (!pin.empty() && pin.back() == '\n') pin = pin.first(pin.size() - 1);
  if (pin.empty() || pin.size() > max_pin || std::ranges::contains(pin, std::uint8_t{'\n'})) {
    return fail(ErrorKind::bad_input, "GIMS_KEYD_CUSTODY",
                "The file " + path + " must hold the token's PIN in one line, of at most " +
                    std::to_string(max_pin) + " bytes.");
  }
  return SecretBytes::copy_of(pin);
}

}  // namespace gims::hsm::pkcs11
