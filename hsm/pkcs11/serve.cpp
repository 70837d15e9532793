#include "hsm/pkcs11/serve.hpp"

#include "base/log.hpp"
#include "hsm/pkcs11/server.hpp"
#include "hsm/pkcs11/token_vault.hpp"
#include "sys/harden.hpp"

namespace gims::hsm::pkcs11 {
namespace {

// What modules call beside what every daemon may, and what enter_sandbox() allows for the path
// rules and sockets of the configuration.
constexpr sys::AllowedCall module_calls[] = {
    {"getppid", "modules that look whether they were forked"},
    {"pselect6", "waiting for a reader or the network"},
    {"select", "waiting for a reader or the network"},
    {"recvmmsg", "name servers of a network HSM"},
};

sys::Sandbox sandbox_for(const Settings& settings) {
  sys::Sandbox sandbox;
  sandbox.calls = module_calls;
  sandbox.paths = settings.paths;
  sandbox.sockets = settings.network ? sys::NewSockets::unix_and_ip : sys::NewSockets::unix_only;
  sandbox.connect_ports = settings.ports;
  return sandbox;
}

// Runs the task in a thread; a module that hangs at its start ends the process, as later.
Result<> within(std::chrono::milliseconds limit, Worker& worker, Worker::Task task) {
  if (worker.run_within(std::move(task), limit)) return {};
  end_hung_process();
}

// Before the sandbox: whatever further libraries the module loads when it starts are loaded now,
// and stay. In a thread that ends, since the sandbox is entered with one.
Result<> warm_up(Module& module, std::chrono::milliseconds limit) {
  GIMS_TRY_ASSIGN(const auto worker, Worker::start());
  return within(limit, *worker, [&module] {
    const auto started = module.initialize();
    if (started) static_cast<void>(module.slots());
    module.finalize();
    if (!started) {
      log::failure(log::id::hsm_away, "the HSM's module does not start", started.error());
    }
  });
}

void tell(const Result<>& found) {
  const std::string state = found ? "the token is there" : found.error().text;
  log::notice(log::id::started, "started", {{"STATE", state}});
  sys::notify_status(state);
}

}  // namespace

Result<> run_service(const Settings& settings) {
  GIMS_TRY_ASSIGN(SecretBytes pin, read_pin(settings.pin_file));
  GIMS_TRY(sys::become_user(settings.user, "gims-pkcs11d"));
  GIMS_TRY(sys::harden_process());
  GIMS_TRY_ASSIGN(const sys::SignalFd signals, sys::SignalFd::for_service());
  auto watchdog = sys::Watchdog::from_environment();
  GIMS_TRY_ASSIGN(const auto module, Module::load(settings.module));
  GIMS_TRY(warm_up(*module, settings.call_limit));
  GIMS_TRY_ASSIGN(Server server,
                  Server::listen(settings.socket, settings.peer, settings.call_limit));
  GIMS_TRY(sys::enter_sandbox(sandbox_for(settings)));
  if (settings.network) {
    log::warning(log::id::hsm_network,
                 "the HSM's module may use the network, as its configuration says");
  }

  GIMS_TRY_ASSIGN(const auto worker, Worker::start());
  auto vault = make_token_vault(
      *module, {.token = settings.token, .pin = std::move(pin), .wrapping = settings.wrapping});
  Result<> found;
  GIMS_TRY(within(settings.call_limit, *worker, [&] {
    const auto info = vault->info();
    if (!info) found = std::unexpected(info.error());
  }));
  tell(found);
  sys::notify_ready();
  const auto ran = server.run(*vault, *worker, signals, watchdog);
  sys::notify_stopping();
  // Logs out and ends the module's state, in the thread that used it.
  GIMS_TRY(within(settings.call_limit, *worker, [&] { vault.reset(); }));
  return ran;
}

}  // namespace gims::hsm::pkcs11
