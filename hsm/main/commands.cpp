#include "hsm/main/commands.hpp"

#include <cstdio>

#include "hsm/ca/certificate.hpp"

namespace gims::hsm {

Result<std::unique_ptr<Client>> running(const Settings& settings) {
  // As long as gims-keyd itself may wait for its vault, for each of a ceremony's steps.
  return Client::connect(settings.socket, 8 * time_limit_of(settings));
}

std::string program_version() { return GIMS_VERSION; }

Result<> run_status(const Settings& settings) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const StatusReply status, client->status());
  std::printf("state:        %s\n", std::string(name_of(status.state)).c_str());
  if (!status.reason.empty()) std::printf("reason:       %s\n", status.reason.c_str());
  if (!status.custody.empty()) std::printf("keys are in:  %s\n", status.custody.c_str());
  if (!status.server_name.empty()) {
    std::printf("organisation: %s\nserver name:  %s\n", status.organisation.c_str(),
                status.server_name.c_str());
  }
  if (status.issuing_ca_end != 0) {
    std::printf("issuing CA:   until %s\n", date_of(status.issuing_ca_end).c_str());
  }
  std::printf("running for:  %llu s\nversion:      %s\n",
              static_cast<unsigned long long>(status.uptime_seconds), status.version.c_str());
  return {};
}

Result<> run_zeroize(const Settings& settings) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const ZeroizeReply done, client->zeroize({.files_only = true}));
  if (done.doubt.empty()) {
    std::printf("The keys are destroyed.\n");
  } else {
    std::printf("The files are removed. Whether the keys are destroyed is not certain: %s\n",
                done.doubt.c_str());
  }
  return {};
}

}  // namespace gims::hsm
