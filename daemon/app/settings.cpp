#include "app/settings.hpp"

#include <algorithm>
#include <utility>

#include "sys/config_rules.hpp"
#include "sys/users.hpp"

namespace gims::app {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t most_admins = 64;

const Config::TextRule& url_rule() {
  static const Config::TextRule rule{
      .most = 512,
      .good =
          [](std::string_view url) {
            return url.starts_with("https://") && url.size() > 8 && !url.ends_with('/') &&
                   url.find_first_of(" ?#") == std::string_view::npos;
          },
      .allowed = "an address such as \"https://gims.internal:8443\", without a slash at its end"};
  return rule;
}

// An IPv4 address, or a name, in a "turn:" URI (RFC 7065).
const Config::TextRule& host_rule() {
  static const Config::TextRule rule{
      .most = 253,
      .good =
          [](std::string_view host) {
            return std::ranges::all_of(host, [](char c) {
              return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
            });
          },
      .allowed =
          "a name such as \"gims.internal\" in small letters, or an IPv4 address, without a port"};
  return rule;
}

// Where clients' pushers point: they find it by asking the address of their own topic.
const Config::TextRule& push_url_rule() {
  static const Config::TextRule rule{
      .most = 512,
      .good =
          [](std::string_view url) {
            constexpr std::string_view path = "/_matrix/push/v1/notify";
            return url.ends_with(path) && url_rule().good(url.substr(0, url.size() - path.size()));
          },
      .allowed = "an address such as \"https://push.gims.internal:8444/_matrix/push/v1/notify\""};
  return rule;
}

template <class Number>
Number count(Config& config, std::string_view key, Number fallback, std::int64_t least,
             std::int64_t most) {
  return static_cast<Number>(
      config.integer(key, static_cast<std::int64_t>(fallback), {.least = least, .most = most}));
}

void read_http(Config& config, http::ServerOptions& http) {
  http.loops = count(config, "http.loops", http.loops, 1, 64);
  http.workers = count(config, "http.workers", http.workers, 1, 256);
  http.worker_queue = count(config, "http.worker_queue", http.worker_queue, 1, 1'000'000);
  http.connections = count(config, "http.connections", http.connections, 1, 1'000'000);
  http.head_limit = static_cast<std::size_t>(
      config.size("http.head_limit", http.head_limit, 4096, std::uint64_t{1} << 20U));
  http.idle_timeout = std::chrono::duration_cast<seconds>(
      config.duration("http.idle_timeout", http.idle_timeout, seconds(5), hours(1)));
}

void read_policy(Config& config, service::Policy& policy) {
  policy.base_url = config.text("client.base_url", url_rule());
  policy.longest_poll =
      config.duration("client.longest_poll", policy.longest_poll, seconds(1), minutes(30));
  policy.default_room_version =
      config.choice("rooms.default_version", policy.default_room_version, {"10", "11", "12"});
  policy.access_token_life = config.duration("accounts.access_token_life", policy.access_token_life,
                                             minutes(5), days(365));
  policy.uia_life =
      config.duration("accounts.reauthentication_life", policy.uia_life, minutes(1), hours(1));
  policy.shortest_password =
      count(config, "accounts.shortest_password", policy.shortest_password, 8, 128);
  policy.password_cost.passes =
      count(config, "accounts.password_passes", policy.password_cost.passes, 1, 32);
  policy.password_cost.memory =
      static_cast<std::size_t>(config.size("accounts.password_memory", policy.password_cost.memory,
                                           std::uint64_t{8} << 20U, std::uint64_t{1} << 30U));
  policy.upload_limit = static_cast<std::size_t>(config.size(
      "media.upload_limit", policy.upload_limit, std::uint64_t{1} << 20U, std::uint64_t{4} << 30U));
  policy.media_quota = config.size("media.quota", policy.media_quota, std::uint64_t{1} << 20U,
                                   std::uint64_t{1} << 50U);
  policy.media_reserve = config.size("media.reserve", policy.media_reserve,
                                     std::uint64_t{64} << 20U, std::uint64_t{1} << 40U);
  policy.user_rates = count(config, "rates.users", policy.user_rates, 1, 100);
  policy.address_rates = count(config, "rates.addresses", policy.address_rates, 1, 1000);
}

void read_relay(Config& config, service::CallRelay& relay) {
  relay.host = config.text("calls.relay", "", host_rule());
  relay.credential_life =
      config.duration("calls.credential_life", relay.credential_life, minutes(10), hours(24));
}

void read_push(Config& config, Settings& settings) {
  if (!config.has("push")) return;
  settings.push.socket = sys::socket_path(config, "push.socket");
  settings.push.url = config.text("push.url", push_url_rule());
  settings.push.token_file = config.path("push.token_file", "");
  settings.policy.push_url = settings.push.url;
}

Result<Settings> read(Config config) {
  Settings settings;
  settings.user = config.text("user", "", sys::user_rule());
  settings.data_folder = config.path("data_folder");
  settings.keyd_socket = sys::socket_path(config, "keyd.socket");
  settings.intake_socket = sys::socket_path(config, "tlsd.socket");
  settings.intake_sender = sys::uid_of(config.text("tlsd.user", sys::user_rule())).value_or(0);
  settings.admin_socket = sys::socket_path(config, "admin.socket");
  if (config.choice("store.migrate", "at-start", {"at-start", "when-told"}) == "when-told") {
    settings.migrate = store::Migrate::when_told;
  }
  for (const std::string& admin : config.texts("admin.users", 0, most_admins, sys::user_rule())) {
    if (const auto uid = sys::uid_of(admin)) settings.admins.push_back(*uid);
  }
  read_http(config, settings.http);
  read_policy(config, settings.policy);
  read_relay(config, settings.relay);
  read_push(config, settings);
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

}  // namespace gims::app
