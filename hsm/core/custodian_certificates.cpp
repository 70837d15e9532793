// What the custodian certifies, and takes back.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "hsm/ca/certificate.hpp"
#include "hsm/ca/crl.hpp"
#include "hsm/ca/csr.hpp"
#include "hsm/ca/hex.hpp"
#include "hsm/ca/site.hpp"
#include "hsm/core/custodian.hpp"

namespace gims::hsm {
namespace {

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST", text);
}

// The issuing CA of a blob; both outlive the signer.
Signer signer_of(Vault& vault, BytesView blob) {
  return
      [&vault, blob](const Digest& digest) { return vault.sign(blob, KeyUse::issuing_ca, digest); };
}

}  // namespace

void Custodian::warn_of_ca_end() const {
  if (open_->ca_end - now() > issuing_end_warning) return;
  log::warning(log::id::issuing_ca_ends, "the issuing CA ends soon: no TLS certificate after it",
               {{"END", date_of(open_->ca_end)}});
}

Result<> Custodian::check_ca_end(std::int64_t least_lifetime) const {
  const std::int64_t end = open().ca_end;
  if (end - now() >= least_lifetime) return {};
  return fail(ErrorKind::unavailable, "GIMS_KEYD_CUSTODY",
              "The issuing CA ends on " + date_of(end) +
                  ": no certificate can be made under it. See the clock; if it is right, let the "
                  "recovery quorum make another: gims-keyd renew-ca.");
}

Result<LeafReply> Custodian::sign_leaf(const LeafRequest& request) {
  const Open& keys = open();
  GIMS_TRY_ASSIGN(const P256Point leaf_key, point_of_spki(request.public_key));
  if (request.lifetime_seconds < least_leaf_lifetime ||
      request.lifetime_seconds > most_leaf_lifetime) {
    return refused("The lifetime of a leaf must be 60 to 86400 seconds.");
  }
  warn_of_ca_end();
  GIMS_TRY(check_ca_end(least_leaf_lifetime));
  LeafReply leaf;
  leaf.not_before = now() - clock_slack;
  leaf.not_after = std::min(now() + request.lifetime_seconds, keys.ca_end);
  const Signer by_vault = signer_of(*vault_, keys.record.vault_blob);
  GIMS_TRY_ASSIGN(Bytes certificate, make_leaf(keys.record.site, keys.ca_public, leaf_key,
                                               leaf.not_before, leaf.not_after, by_vault));
  leaf.chain.push_back(std::move(certificate));
  leaf.chain.push_back(keys.record.issuing_ca);
  return leaf;
}

Result<ServiceReply> Custodian::certify_service(const ServiceRequest& request) {
  const Open& keys = open();
  GIMS_TRY_ASSIGN(const P256Point service_key, point_of_spki(request.public_key));
  const std::string host = host_of(request.service, keys.record.site.server_name);
  if (!is_dns_name(host)) {
    return refused("The server name is too long for the name of a service before it.");
  }
  GIMS_TRY(check_ca_end(least_leaf_lifetime));
  const Signer by_vault = signer_of(*vault_, keys.record.vault_blob);
  GIMS_TRY_ASSIGN(
      Bytes certificate,
      make_service(keys.record.site, keys.ca_public, service_key, host, now() - clock_slack,
                   std::min(now() + service_lifetime, keys.ca_end), by_vault));
  ServiceReply reply;
  reply.chain.push_back(std::move(certificate));
  reply.chain.push_back(keys.record.issuing_ca);
  return reply;
}

Result<RelaySecret> Custodian::relay_secret() const {
  RelaySecret relay;
  relay.realm = open().record.site.server_name;
  GIMS_TRY_ASSIGN(const SecretBytes key, derive(open().root_key, Purpose::relay));
  GIMS_TRY_ASSIGN(relay.secret, hex_of_secret(key));
  return relay;
}

Result<WifiPassphrase> Custodian::wifi_passphrase(const WifiRequest& request) const {
  WifiPassphrase wifi;
  wifi.server_name = open().record.site.server_name;
  GIMS_TRY_ASSIGN(const SecretBytes key, derive(open().root_key, Purpose::wifi));
  GIMS_TRY_ASSIGN(wifi.passphrase, derive_wifi_passphrase(key, request.number));
  return wifi;
}

Result<DeviceReply> Custodian::certify_device(const DeviceRequest& request) {
  const Open& keys = open();
  const DeviceName name{.user = request.user, .device = request.device};
  GIMS_TRY(check_device(keys.record.site, name));
  if (request.lifetime_seconds < least_device_lifetime ||
      request.lifetime_seconds > most_device_lifetime) {
    return refused("The lifetime of a device's certificate must be 1 to 366 days.");
  }
  GIMS_TRY_ASSIGN(const P256Point device_key, key_of_request(request.request));
  GIMS_TRY(check_ca_end(least_device_lifetime));
  DeviceReply reply;
  reply.not_after = std::min(now() + request.lifetime_seconds, keys.ca_end);
  const Signer by_vault = signer_of(*vault_, keys.record.vault_blob);
  GIMS_TRY_ASSIGN(Bytes certificate, make_device(keys.record.site, keys.ca_public, device_key, name,
                                                 now() - clock_slack, reply.not_after, by_vault));
  GIMS_TRY_ASSIGN(const Bytes serial, serial_of(certificate));
  reply.serial = hex(serial);
  reply.chain.push_back(std::move(certificate));
  reply.chain.push_back(keys.record.issuing_ca);
  log::notice(log::id::device_certified, "a device has a certificate",
              {{"USER", request.user}, {"DEVICE", request.device}, {"SERIAL", reply.serial}});
  return reply;
}

Result<> Custodian::revoke_device(const RevokeRequest& request) {
  Open& keys = open();
  GIMS_TRY_ASSIGN(const Bytes serial, serial_from(request.serial));
  CustodyRecord next = keys.record;
  // Those that ended are refused for that.
  std::erase_if(next.revoked_devices, [now = now()](const Revoked& device) {
    return device.at + std::int64_t{most_device_lifetime} <= now;
  });
  if (std::ranges::contains(next.revoked_devices, serial, &Revoked::serial)) return {};
  if (next.revoked_devices.size() >= max_revoked_devices) {
    return fail(ErrorKind::conflict, "GIMS_KEYD_REQUEST",
                "The list of revoked devices is full: let the recovery quorum restore the site, "
                "which revokes its issuing CAs with all that they certified.");
  }
  next.revoked_devices.push_back({.serial = serial, .at = now()});
  ++next.number;
  GIMS_TRY(write_custody(next, keys.root_key));
  keys.record = std::move(next);
  for (auto& [certificate, list] : keys.device_lists) list.crl.clear();
  log::notice(log::id::device_revoked, "a device's certificate is revoked",
              {{"SERIAL", hex(serial)}});
  return keys.freshness->note_custody(backing(keys));
}

std::vector<Custodian::IssuingCa> Custodian::good_cas() const {
  const CustodyRecord& record = open().record;
  std::vector<IssuingCa> cas{{.blob = record.vault_blob, .certificate = &record.issuing_ca}};
  for (const FormerCa& former : record.former_cas) {
    if (former.until > now()) {
      cas.push_back({.blob = former.vault_blob, .certificate = &former.certificate});
    }
  }
  return cas;
}

IssuingCas Custodian::issuing_cas() const {
  static_assert(max_good_cas == 1 + max_former_cas);
  IssuingCas cas;
  for (const IssuingCa& ca : good_cas()) cas.certificates.push_back(*ca.certificate);
  return cas;
}

Result<CrlReply> Custodian::crl(const CrlRequest& request) {
  Open& keys = open();
  const std::vector<IssuingCa> cas = good_cas();
  CrlReply reply{.crl = {}, .lists = static_cast<std::uint8_t>(1 + cas.size())};
  if (request.which == 0) {
    reply.crl = keys.record.crl;
    return reply;
  }
  if (request.which > cas.size()) return refused("There is no such list.");
  const IssuingCa& ca = cas[request.which - 1];
  Open::DeviceList& list = keys.device_lists[*ca.certificate];
  // Also where the clock was put back: a list of the future is no list.
  if (list.crl.empty() || now() - list.made_at >= device_list_lifetime / 2 ||
      now() < list.made_at) {
    const Signer by_vault = signer_of(*vault_, ca.blob);
    // Numbers go up also over a restart, without being kept.
    const std::uint64_t number = std::max(static_cast<std::uint64_t>(now()), list.number + 1);
    GIMS_TRY_ASSIGN(list.crl, make_crl(*ca.certificate, number, keys.record.revoked_devices, now(),
                                       device_list_lifetime, by_vault));
    list.made_at = now();
    list.number = number;
  }
  reply.crl = list.crl;
  return reply;
}

SiteRootReply Custodian::site_root() const {
  SiteRootReply root;
  root.certificate = open().record.site_root;
  root.pem = certificate_to_pem(root.certificate);
  root.sha256 = sha256({root.certificate});
  return root;
}

}  // namespace gims::hsm
