#include "hsm/main/service_settings.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/config.hpp"
#include "hsm/proto/service_messages.hpp"
#include "sys/address.hpp"

namespace gims::hsm {
namespace {

bool is_ipv4(std::string_view text) {
  const auto address = sys::IpAddress::parse(text);
  return address && address->family == sys::IpAddress::Family::v4;
}

// A name is one line of another program's file.
bool is_wifi_name(std::string_view text) {
  return text.size() <= max_wifi_name && text.front() != ' ' && text.back() != ' ' &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

Result<ServiceSettings> load_service_settings(const std::string& path) {
  ServiceSettings settings;
  std::error_code none;
  if (path.empty() || !std::filesystem::exists(path, none)) return settings;
  GIMS_TRY_ASSIGN(Config config, Config::load(path));
  settings.relay_address = config.text(
      "relay.address", "", {.good = is_ipv4, .allowed = "an IPv4 address such as \"192.0.2.7\""});
  settings.wifi_name = config.text(
      "wifi.name", "", {.good = is_wifi_name, .allowed = "1 to 24 printable ASCII characters"});
  settings.wifi_passphrase = static_cast<std::uint32_t>(
      config.integer("wifi.passphrase", 1, {.least = 1, .most = max_wifi_passphrase}));
  GIMS_TRY(config.finish());
  return settings;
}

}  // namespace gims::hsm
