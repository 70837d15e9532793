#include "hsm/main/services.hpp"

#include <algorithm>
#include <cstdio>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "hsm/ca/certificate.hpp"
#include "hsm/ca/key_text.hpp"
#include "hsm/main/certificates.hpp"
#include "hsm/main/commands.hpp"
#include "hsm/main/service_certificate.hpp"
#include "hsm/main/service_settings.hpp"
#include "hsm/main/site_files.hpp"
#include "hsm/proto/bytes.hpp"
#include "sys/harden.hpp"

namespace gims::hsm {
namespace {

Result<SecretBytes> joined(std::initializer_list<BytesView> parts) {
  std::size_t size = 0;
  for (const BytesView part : parts) size += part.size();
  GIMS_TRY_ASSIGN(SecretBytes all, SecretBytes::zeroed(size));
  auto at = all.writable().begin();
  for (const BytesView part : parts) at = std::ranges::copy(part, at).out;
  return all;
}

// The names of a certificate's files.
struct ServiceFiles {
  std::string_view certificate;
  std::string_view key;
};

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

Result<> add_relay(Client& client, const std::string& address, Files& files) {
  GIMS_TRY_ASSIGN(const RelaySecret relay, client.relay_secret());
  const std::string rest = "\nrealm=" + relay.realm + "\nlistening-ip=" + address +
                           "\nrelay-ip=" + address + "\nallowed-peer-ip=" + address + "\n";
  return add(files, "turn.conf",
             {bytes_of("static-auth-secret="), relay.secret.bytes(), bytes_of(rest)});
}

// The key is made here, and is in no other place than this process and its file.
Result<> add_certified(Client& client, Service service, const SiteFiles& folder,
                       const ServiceFiles& names, const IssuingCas& cas, Files& files) {
  const auto chain = folder.get(names.certificate);
  const auto before = folder.get(names.key);
  if (chain && before &&
      stays(chain->bytes(), before->bytes(), cas.certificates.front(),
            SystemClock().now_ms() / 1000)) {
    return {};
  }
  GIMS_TRY_ASSIGN(const P256Key key, generate_p256());
  GIMS_TRY_ASSIGN(
      const ServiceReply reply,
      client.certify_service({.service = service, .public_key = spki_of(key.public_key)}));
  std::string pem;
  for (const Bytes& certificate : reply.chain) pem += certificate_to_pem(certificate);
  GIMS_TRY(add(files, names.certificate, {bytes_of(pem)}));
  GIMS_TRY_ASSIGN(SecretBytes key_pem, p256_to_pem(key));
  files.push_back({.name = names.key, .contents = std::move(key_pem)});
  return {};
}

Result<> add_push(Client& client, const SiteFiles& folder, const IssuingCas& cas,
                  const std::string& server_name, Files& files) {
  GIMS_TRY(add_certified(client, Service::push, folder,
                         {.certificate = "push.crt", .key = "push.key"}, cas, files));
  constexpr std::string_view port = ":8444";  // where ntfy listens on the appliance
  return add(files, "push.env",
             {bytes_of("NTFY_BASE_URL=https://"), bytes_of(host_of(Service::push, server_name)),
              bytes_of(port), bytes_of("\n")});
}

Result<> add_wifi(Client& client, const SiteFiles& folder, const IssuingCas& cas,
                  const ServiceSettings& site, const WifiPassphrase& wifi, Files& files) {
  const WifiNames names = names_of(site, wifi);
  GIMS_TRY(add(files, "wifi-sae.conf",
               {bytes_of("ssid="), bytes_of(names.joining), bytes_of("\nsae_password="),
                wifi.passphrase.bytes(), bytes_of("\n")}));
  GIMS_TRY(
      add(files, "wifi-eap.conf", {bytes_of("ssid="), bytes_of(names.enrolled), bytes_of("\n")}));
  return add_certified(client, Service::wifi, folder,
                       {.certificate = "wifi.crt", .key = "wifi.key"}, cas, files);
}

// Who devices are signed by, and which were taken back: hostapd lets nobody in without the lists.
Result<> add_lists(Client& client, const IssuingCas& cas, Files& files) {
  GIMS_TRY_ASSIGN(const SiteRootReply root, client.site_root());
  std::string pem = root.pem;
  for (const Bytes& ca : cas.certificates) pem += certificate_to_pem(ca);
  GIMS_TRY_ASSIGN(const std::string lists, crls_of(client));
  return add(files, "devices.pem", {bytes_of(pem), bytes_of(lists)});
}

Result<> put_all(const SiteFiles& folder, const Files& files) {
  for (const File& file : files) {
    GIMS_TRY_ASSIGN(const bool written, folder.put(file.name, file.contents));
    if (written) std::printf("written: %s\n", std::string(file.name).c_str());
  }
  return {};
}

}  // namespace

Result<> run_services(const Settings& settings, const ServicesArguments& arguments) {
  GIMS_TRY(sys::harden_process());
  GIMS_TRY_ASSIGN(const ServiceSettings site, load_service_settings(arguments.settings_file));
  GIMS_TRY_ASSIGN(const SiteFiles folder,
                  SiteFiles::open(arguments.folder, SiteFiles::Readers::this_user));
  GIMS_TRY_ASSIGN(const SiteFiles lists_folder,
                  SiteFiles::open(arguments.lists_folder, SiteFiles::Readers::everyone));
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const IssuingCas cas, client->issuing_cas());
  GIMS_TRY_ASSIGN(const WifiPassphrase wifi,
                  client->wifi_passphrase({.number = site.wifi_passphrase}));
  Files lists;
  GIMS_TRY(add_lists(*client, cas, lists));
  Files files;
  GIMS_TRY(add_relay(
      *client, site.relay_address.empty() ? arguments.relay_address : site.relay_address, files));
  GIMS_TRY(add_push(*client, folder, cas, wifi.server_name, files));
  GIMS_TRY(add_wifi(*client, folder, cas, site, wifi, files));
  GIMS_TRY(put_all(lists_folder, lists));
  return put_all(folder, files);
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
