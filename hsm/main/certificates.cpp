#include "hsm/main/certificates.hpp"

#include <sys/types.h>

#include <algorithm>
#include <cstdio>

#include "hsm/ca/certificate.hpp"
#include "hsm/ca/crl.hpp"
#include "hsm/ca/csr.hpp"
#include "hsm/ca/hex.hpp"
#include "hsm/main/commands.hpp"
#include "hsm/proto/bytes.hpp"
#include "sys/atomic_file.hpp"

namespace gims::hsm {
namespace {

constexpr std::size_t max_request_file = 4 * max_request;  // PEM, and what is said before it
constexpr std::uint32_t most_days = 366;
constexpr mode_t readable = 0644;  // certificates are public

}  // namespace

Result<> run_certify_device(const Settings& settings, const DeviceArguments& arguments) {
  GIMS_TRY_ASSIGN(const Bytes file, sys::read_file(arguments.request_file, max_request_file));
  DeviceRequest request;
  GIMS_TRY_ASSIGN(request.request, request_in(file));
  request.user = arguments.user;
  request.device = arguments.device;
  request.lifetime_seconds = std::min(arguments.days, most_days + 1) * 24 * 3600;
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const DeviceReply reply, client->certify_device(request));
  std::string pem;
  for (const Bytes& certificate : reply.chain) pem += certificate_to_pem(certificate);
  GIMS_TRY(sys::write_file_atomically(arguments.out, bytes_of(pem), readable));
  std::printf("Written to %s, until %s.\nSerial number, to revoke it by: %s\n",
              arguments.out.c_str(), date_of(reply.not_after).c_str(), reply.serial.c_str());
  return {};
}

Result<> run_revoke_device(const Settings& settings, const std::string& serial) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY(client->revoke_device({.serial = serial}));
  std::printf("Revoked. Give the new list to those who check devices: gims-keyd crl.\n");
  return {};
}

Result<std::string> crls_of(Client& client) {
  std::string pem;
  std::uint8_t lists = 1;
  for (std::uint8_t which = 0; which < lists; ++which) {
    GIMS_TRY_ASSIGN(const CrlReply reply, client.crl({.which = which}));
    pem += crl_to_pem(reply.crl);
    lists = reply.lists;
  }
  return pem;
}

Result<> run_crl(const Settings& settings) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const std::string lists, crls_of(*client));
  std::printf("%s", lists.c_str());
  return {};
}

Result<> run_site_root(const Settings& settings, const std::string& out) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const SiteRootReply root, client->site_root());
  if (out.empty()) {
    std::printf("%s", root.pem.c_str());
    return {};
  }
  GIMS_TRY(sys::write_file_atomically(out, root.certificate, readable));
  std::printf("Written to %s. SHA-256, to compare on each device:\n%s\n", out.c_str(),
              fingerprint(root.sha256).c_str());
  return {};
}

}  // namespace gims::hsm
