#include "hsm/main/commands.hpp"

#include <cstdio>

#include "hsm/ca/certificate.hpp"
#include "hsm/core/custodian.hpp"
#include "hsm/main/confine.hpp"
#include "hsm/main/root_key_file.hpp"
#include "hsm/proto/client.hpp"
#include "sys/address.hpp"

namespace gims::hsm {
namespace {

Result<std::unique_ptr<Client>> running(const Settings& settings) {
  // As long as gims-keyd itself may wait for its TPM, for each of provisioning's steps.
  return Client::connect(settings.socket, 4 * settings.tpm.time_limit);
}

Result<ProvisionRequest> request_of(const ProvisionArguments& arguments) {
  ProvisionRequest request;
  request.site.server_name = arguments.server_name;
  request.site.organisation = arguments.organisation;
  request.site.dns_names = arguments.dns_names;
  for (const std::string& text : arguments.addresses) {
    const auto address = sys::IpAddress::parse(text);
    if (!address) {
      return fail(ErrorKind::bad_input, "GIMS_KEYD_REQUEST",
                  "\"" + text + "\" must be an IP address such as 192.0.2.1 or 2001:db8::1.");
    }
    const bool v4 = address->family == sys::IpAddress::Family::v4;
    request.site.addresses.emplace_back(address->bytes.begin(),
                                        address->bytes.begin() + (v4 ? 4 : 16));
  }
  request.replace = arguments.replace;
  if (!arguments.dev_root_key_file.empty()) {
    GIMS_TRY_ASSIGN(request.dev_root_key, read_root_key(arguments.dev_root_key_file));
  }
  return request;
}

Result<> provision_here(const Settings& settings, const ProvisionRequest& request) {
  GIMS_TRY(give_up_rights(settings));
  GIMS_TRY_ASSIGN(StateFolder folder, StateFolder::open(settings.state_folder));
  GIMS_TRY(enter_sandbox(settings));
  const SystemClock clock;
  Custodian custodian(std::move(folder), vault_of(settings), clock, program_version());
  custodian.start();
  const State state = custodian.state();
  if (state != State::unprovisioned && state != State::zeroized) {
    return fail(ErrorKind::conflict, "GIMS_KEYD_STATE",
                "There is a site already: gims-keyd is " + std::string(name_of(state)) + ". " +
                    custodian.status().reason);
  }
  return custodian.provision(request);
}

}  // namespace

std::string program_version() { return GIMS_VERSION; }

Result<> run_provision(const Settings& settings, const ProvisionArguments& arguments) {
  GIMS_TRY_ASSIGN(const ProvisionRequest request, request_of(arguments));
  if (const auto client = running(settings)) {
    GIMS_TRY((*client)->provision(request));
  } else {
    GIMS_TRY(provision_here(settings, request));
  }
  std::printf("Provisioned %s.\n", arguments.server_name.c_str());
  return {};
}

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

Result<> run_unlock(const Settings& settings) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY(client->unlock());
  std::printf("Unlocked.\n");
  return {};
}

Result<> run_zeroize(const Settings& settings, bool files_only) {
  GIMS_TRY_ASSIGN(const auto client, running(settings));
  GIMS_TRY_ASSIGN(const ZeroizeReply done, client->zeroize({.files_only = files_only}));
  if (done.doubt.empty()) {
    std::printf("The keys are destroyed.\n");
  } else {
    std::printf("The files are removed. Whether the keys are destroyed is not certain: %s\n",
                done.doubt.c_str());
  }
  return {};
}

}  // namespace gims::hsm
