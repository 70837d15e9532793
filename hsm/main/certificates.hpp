// What an administrator does with the site's certificates at the command line.
#pragma once

#include <cstdint>
#include <string>

#include "hsm/main/settings.hpp"
#include "hsm/proto/client.hpp"

namespace gims::hsm {

// As the command line gives them.
struct DeviceArguments {
  std::string request_file;  // PKCS #10, PEM or DER
  std::string user;
  std::string device;
  std::uint32_t days = 365;
  std::string out;  // for the certificate and the issuing CA's, PEM
};

// Each asks the gims-keyd that runs, and tells on stdout what was done.
[[nodiscard]] Result<> run_certify_device(const Settings& settings,
                                          const DeviceArguments& arguments);
[[nodiscard]] Result<> run_revoke_device(const Settings& settings, const std::string& serial);
// Prints the lists of revoked certificates, PEM: the site root's, then those of the issuing CAs.
[[nodiscard]] Result<> run_crl(const Settings& settings);
// The same lists, as a text.
[[nodiscard]] Result<std::string> crls_of(Client& client);
// The root certificate that phones are given: PEM on stdout, or DER into a file.
[[nodiscard]] Result<> run_site_root(const Settings& settings, const std::string& out);

}  // namespace gims::hsm
