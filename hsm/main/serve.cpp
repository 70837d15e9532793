#include "hsm/main/serve.hpp"

#include "base/log.hpp"
#include "hsm/main/commands.hpp"
#include "sys/harden.hpp"
#include "sys/notify.hpp"
#include "sys/sandbox.hpp"
#include "sys/signals.hpp"

namespace gims::hsm {
namespace {

// Beside what every daemon may call, and what enter_sandbox() allows for the path rules below
// (opening, writing, syncing, renaming and removing files):
//
// - the loop is poll(2) over the listening socket, its peers and a signalfd, all of which are open
//   when the sandbox closes, and accept4(2): in base_calls();
// - the TPM is opened anew for each use: open(2) of the one device, or connect(2) to the Unix
// socket
//   of a swtpm, which needs socket(2) for AF_UNIX alone. No other family can be made, so a
//   gims-keyd that was taken over reaches no network;
// - the keys are in memory of sodium_malloc: mmap, mprotect without PROT_EXEC, mlock, madvise.
//
// There is nothing to add.
sys::Sandbox sandbox_for(const Settings& settings) {
  sys::Sandbox sandbox;
  sandbox.sockets = sys::NewSockets::unix_only;
  sandbox.paths.push_back({.path = settings.state_folder,
                           .right = sys::PathRight::write_tree,
                           .reason = "custody.bin and audit.bin are replaced, and destroyed"});
  if (!settings.tpm.address.swtpm) {
    sandbox.paths.push_back({.path = settings.tpm.address.path,
                             .right = sys::PathRight::device,
                             .reason = "the TPM, through the kernel's resource manager"});
  }
  return sandbox;
}

void tell(const Custodian& custodian) {
  const StatusReply status = custodian.status();
  const std::string line =
      std::string(name_of(status.state)) + (status.reason.empty() ? "" : ": " + status.reason);
  log::notice(log::id::started, "started",
              {{"STATE", name_of(status.state)},
               {"REASON", status.reason},
               {"CUSTODY", status.custody},
               {"SERVER_NAME", status.server_name}});
  sys::notify_status(line);
}

}  // namespace

Result<> run_service(const Settings& settings) {
  if (!settings.user.empty()) GIMS_TRY(sys::drop_privileges(settings.user));
  GIMS_TRY(sys::harden_process());
  GIMS_TRY_ASSIGN(const sys::SignalFd signals, sys::SignalFd::for_service());
  auto watchdog = sys::Watchdog::from_environment();
  GIMS_TRY_ASSIGN(StateFolder folder, StateFolder::open(settings.state_folder));
  // Before the socket: whoever can connect finds a custodian that knows its state.
  const SystemClock clock;
  Custodian custodian(std::move(folder), tpm2::make_vault(settings.tpm), clock, program_version());
  custodian.start();
  GIMS_TRY_ASSIGN(Server server, Server::listen(settings.socket, settings.users));
  GIMS_TRY(sys::enter_sandbox(sandbox_for(settings)));
  tell(custodian);
  sys::notify_ready();
  const auto ran = server.run(custodian, signals, watchdog);
  sys::notify_stopping();
  return ran;
}

}  // namespace gims::hsm
