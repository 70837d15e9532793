#include "tls/settings.hpp"

#include "base/config.hpp"
#include "sys/address.hpp"
#include "sys/config_rules.hpp"

namespace gims::tls {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t most_listeners = 16;

const Config::TextRule address_rule{
    .most = 45,
    .good = [](std::string_view text) { return sys::IpAddress::parse(text).has_value(); },
    .allowed = "an IP address such as \"0.0.0.0\" or \"::1\""};

std::size_t count(Config& config, std::string_view key, std::size_t fallback, std::int64_t most) {
  return static_cast<std::size_t>(
      config.integer(key, static_cast<std::int64_t>(fallback), {.least = 1, .most = most}));
}

void read_listeners(Config& config, FrontOptions& front) {
  const std::size_t tables = config.tables("listen", most_listeners);
  if (tables == 0) config.refuse("listen", "must be one to 16 tables [[listen]]");
  for (std::size_t i = 0; i < tables; ++i) {
    const std::string at = "listen[" + std::to_string(i) + "].";
    FrontListener listener;
    listener.door = config.choice(at + "door", "client", {"client", "console"}) == "console"
                        ? sys::Door::console
                        : sys::Door::client;
    listener.address = config.text(at + "address", address_rule);
    listener.port =
        static_cast<std::uint16_t>(config.integer(at + "port", {.least = 0, .most = 65535}));
    front.listeners.push_back(std::move(listener));
  }
}

void read_limits(Config& config, FrontOptions& front) {
  front.connections = count(config, "limits.connections", front.connections, 1'000'000);
  front.connections_per_address =
      count(config, "limits.connections_per_address", front.connections_per_address, 1'000'000);
  front.handshakes = count(config, "limits.handshakes", front.handshakes, 100'000);
  front.handshakes_per_address =
      count(config, "limits.handshakes_per_address", front.handshakes_per_address, 100'000);
  front.handshake_deadline = config.duration("limits.handshake_deadline", front.handshake_deadline,
                                             seconds(1), minutes(1));
  front.idle_timeout =
      config.duration("limits.idle_timeout", front.idle_timeout, minutes(1), hours(24));
  front.handshake_threads = count(config, "threads.handshakes", front.handshake_threads, 64);
  front.pump_threads = count(config, "threads.pumps", front.pump_threads, 64);
}

Result<Settings> read(Config config) {
  Settings settings;
  settings.user = config.text("user", "", sys::user_rule());
  settings.front.kernel_tls = config.boolean("kernel_tls", true);
  settings.keyd_socket = sys::socket_path(config, "keyd.socket");
  settings.leaf_lifetime = std::chrono::duration_cast<seconds>(
      config.duration("keyd.leaf_lifetime", hours(24), minutes(1), hours(24)));
  settings.gimsd_socket = sys::socket_path(config, "gimsd.socket");
  read_listeners(config, settings.front);
  read_limits(config, settings.front);
  GIMS_TRY(config.finish());
  return settings;
}

}  // namespace

Result<Settings> load_settings(const std::string& path) {
  GIMS_TRY_ASSIGN(Config config, Config::load(path));
  return read(std::move(config));
}

Result<Settings> parse_settings(std::string_view toml, std::string source) {
  GIMS_TRY_ASSIGN(Config config, Config::parse(toml, std::move(source)));
  return read(std::move(config));
}

}  // namespace gims::tls
