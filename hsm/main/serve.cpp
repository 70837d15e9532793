#include "hsm/main/serve.hpp"

#include <utility>

#include "base/log.hpp"
#include "hsm/main/commands.hpp"
#include "hsm/main/confine.hpp"
#include "sys/notify.hpp"
#include "sys/signals.hpp"

namespace gims::hsm {
namespace {

void tell(const Custodian& custodian) {
  const StatusReply status = custodian.status();
  log::notice(log::id::started, "started",
              {{"STATE", name_of(status.state)},
               {"REASON", status.reason},
               {"CUSTODY", status.custody},
               {"SERVER_NAME", status.server_name}});
}

}  // namespace

Result<> run_service(const Settings& settings) {
  // Root's alone; nothing of them is read before they are asked for.
  EventLogs logs = EventLogs::open(settings.firmware_log, settings.userspace_log);
  GIMS_TRY(give_up_rights(settings));
  GIMS_TRY_ASSIGN(const sys::SignalFd signals, sys::SignalFd::for_service());
  auto watchdog = sys::Watchdog::from_environment();
  GIMS_TRY_ASSIGN(StateFolder folder, StateFolder::open(settings.state_folder));
  GIMS_TRY_ASSIGN(Server server, Server::listen(settings.socket, settings.users));
  if (!settings.volume_key_socket.empty()) {
    GIMS_TRY_ASSIGN(auto volume_key, VolumeKeySocket::listen(settings.volume_key_socket));
    server.use(std::move(volume_key));
  }
  // Before a byte of a file, of the TPM or of a peer is read.
  GIMS_TRY(enter_sandbox(settings));
  GIMS_TRY_ASSIGN(auto vault, vault_of(settings));
  const SystemClock clock;
  Custodian custodian(std::move(folder), std::move(vault), clock, program_version());
  custodian.use(std::move(logs));
  // Whoever connects meanwhile waits in the socket, and finds a custodian that knows its state.
  custodian.start();
  tell(custodian);
  sys::notify_status(custodian.summary());
  sys::notify_ready();
  const auto ran =
      server.run(custodian, signals, watchdog, [&] { sys::notify_status(custodian.summary()); });
  sys::notify_stopping();
  custodian.stop();
  return ran;
}

}  // namespace gims::hsm
