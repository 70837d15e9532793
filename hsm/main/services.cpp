#include "hsm/main/services.hpp"

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "hsm/ca/certificate.hpp"
#include "hsm/ca/hex.hpp"
#include "hsm/ca/key_text.hpp"
#include "hsm/main/certificates.hpp"
#include "hsm/main/commands.hpp"
#include "hsm/main/service_settings.hpp"
#include "hsm/main/site_files.hpp"
#include "sys/harden.hpp"

namespace gims::hsm {
namespace {

BytesView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Result<SecretBytes> joined(std::initializer_list<BytesView> parts) {
  std::size_t size = 0;
  for (const BytesView part : parts) size += part.size();
  GIMS_TRY_ASSIGN(SecretBytes all, SecretBytes::zeroed(size));
  auto at = all.writable().begin();
  for (const BytesView part : parts) at = std::ranges::copy(part, at).out;
  return all;
}

struct File {
  std::string_view name;
  SecretBytes contents;
};
// In the order in which they are written: what starts a service looks for its last one.
using Files = std::vector<File>;

Result<> add(Files& files, std::string_view name, std::initializer_list<BytesView> parts) {
  GIMS_TRY_ASSIGN(SecretBytes contents, joined(parts));
  files.push_back({.name = name, .contents = std::move(contents)});
  return {};
}

// Of the network for devices with a certificate, and of the one for those that have none yet.
struct WifiNames {
  std::string enrolled;
  std::string joining;
};
WifiNames names_of(const ServiceSettings& site, const WifiPassphrase& wifi) {
  const std::string name =
      site.wifi_name.empty() ? wifi.server_name.substr(0, max_wifi_name) : site.wifi_name;
  return {.enrolled = name, .joining = name + " join"};
}

std::string address_of(const ServiceSettings& site, const RelaySecret& relay) {
  if (!site.relay_address.empty() || !relay.address) return site.relay_address;
  std::string text;
  for (const std::uint8_t byte : *relay.address) {
    text += (text.empty() ? "" : ".") + std::to_string(byte);
  }
  return text;
}

Result<> add_relay(Client& client, const ServiceSettings& site, Files& files) {
  GIMS_TRY_ASSIGN(const RelaySecret relay, client.relay_secret());
  const std::string address = address_of(site, relay);
  if (address.empty()) {
    std::printf("No turn.conf: the site has no IPv4 address, and relay.address names none.\n");
    return {};
  }
  GIMS_TRY_ASSIGN(const SecretBytes secret, hex_of_secret(relay.secret));
  const std::string rest = "\nrealm=" + relay.realm + "\nlistening-ip=" + address +
                           "\nrelay-ip=" + address + "\nallowed-peer-ip=" + address + "\n";
  return add(files, "turn.conf", {bytes_of("static-auth-secret="), secret.bytes(), bytes_of(rest)});
}

struct Certified {
  std::string name;
  std::string chain;    // PEM
  std::string issuing;  // PEM
};
// The key is made here, and in no other place than this process and its file.
Result<Certified> add_certified(Client& client, Service service, std::string_view certificate_file,
                                std::string_view key_file, Files& files) {
  GIMS_TRY_ASSIGN(const P256Key key, generate_p256());
  GIMS_TRY_ASSIGN(
      const ServiceReply reply,
      client.certify_service({.service = service, .public_key = spki_of(key.public_key)}));
  Certified certified{.name = reply.name, .chain = {}, .issuing = {}};
  for (const Bytes& certificate : reply.chain) {
    certified.issuing = certificate_to_pem(certificate);
    certified.chain += certified.issuing;
  }
  GIMS_TRY(add(files, certificate_file, {bytes_of(certified.chain)}));
  GIMS_TRY_ASSIGN(SecretBytes pem, p256_to_pem(key));
  files.push_back({.name = key_file, .contents = std::move(pem)});
  return certified;
}

Result<> add_push(Client& client, Files& files) {
  GIMS_TRY_ASSIGN(const Certified push,
                  add_certified(client, Service::push, "push.crt", "push.key", files));
  constexpr std::string_view port = ":8444";  // where ntfy listens on the appliance
  return add(
      files, "push.env",
      {bytes_of("NTFY_BASE_URL=https://"), bytes_of(push.name), bytes_of(port), bytes_of("\n")});
}

Result<> add_wifi(Client& client, const ServiceSettings& site, Files& files) {
  GIMS_TRY_ASSIGN(const WifiPassphrase wifi,
                  client.wifi_passphrase({.number = site.wifi_passphrase}));
  const WifiNames names = names_of(site, wifi);
  GIMS_TRY(add(files, "wifi-sae.conf",
               {bytes_of("ssid="), bytes_of(names.joining), bytes_of("\nsae_password="),
                wifi.passphrase.bytes(), bytes_of("\n")}));
  GIMS_TRY(
      add(files, "wifi-eap.conf", {bytes_of("ssid="), bytes_of(names.enrolled), bytes_of("\n")}));
  GIMS_TRY_ASSIGN(const Certified server,
                  add_certified(client, Service::wifi, "wifi.crt", "wifi.key", files));
  // Who devices are signed by, and which were taken back: hostapd lets nobody in without the lists.
  GIMS_TRY_ASSIGN(const SiteRootReply root, client.site_root());
  GIMS_TRY_ASSIGN(const std::string lists, crls_of(client));
  return add(files, "wifi-ca.pem", {bytes_of(root.pem), bytes_of(server.issuing), bytes_of(lists)});
}

}  // namespace

Result<> run_services(const Settings& settings, const ServicesArguments& arguments) {
  GIMS_TRY(sys::harden_process());
  GIMS_TRY_ASSIGN(const ServiceSettings site, load_service_settings(arguments.settings_file));
  GIMS_TRY_ASSIGN(const SiteFiles folder, SiteFiles::open(arguments.folder));
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  Files files;
  GIMS_TRY(add_relay(*client, site, files));
  GIMS_TRY(add_push(*client, files));
  GIMS_TRY(add_wifi(*client, site, files));
  for (const File& file : files) {
    GIMS_TRY_ASSIGN(const bool written, folder.put(file.name, file.contents));
    if (written) std::printf("written: %s\n", std::string(file.name).c_str());
  }
  return {};
}

Result<> run_wifi(const Settings& settings, const std::string& settings_file) {
  GIMS_TRY_ASSIGN(const ServiceSettings site, load_service_settings(settings_file));
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const WifiPassphrase wifi,
                  client->wifi_passphrase({.number = site.wifi_passphrase}));
  const WifiNames names = names_of(site, wifi);
  std::printf("with a certificate: %s\nbefore enrolment:   %s\npassphrase:         %.*s\n",
              names.enrolled.c_str(), names.joining.c_str(),
              static_cast<int>(wifi.passphrase.size()),
              reinterpret_cast<const char*>(wifi.passphrase.bytes().data()));
  return {};
}

}  // namespace gims::hsm
