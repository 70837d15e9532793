// gims-tlsd: the TLS front.
#include <chrono>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/log.hpp"
#include "sys/event_fd.hpp"
#include "sys/harden.hpp"
#include "sys/kernel_tls.hpp"
#include "sys/notify.hpp"
#include "sys/sandbox.hpp"
#include "sys/signals.hpp"
#include "tls/front.hpp"
#include "tls/gimsd_sink.hpp"
#include "tls/keyd_leaf_source.hpp"
#include "tls/settings.hpp"

namespace gims::tls {
namespace {

constexpr std::chrono::milliseconds retry_time{1000};
// Listeners, loops, sockets to the other daemons.
constexpr std::uint64_t own_files = 256;
constexpr std::string_view usage = "usage: gims-tlsd --config FILE [--check-config]\n";

Result<> begin_serving(Front& front, KeydLeafSource& source, GimsdSink& sink) {
  GIMS_TRY(source.ready());
  if (const auto connected = sink.connect(); !connected) {
    return fail(ErrorKind::unavailable, connected.error().code, "gimsd is not there",
                connected.error().detail);
  }
  return front.serve();
}

// Nothing listens until gims-keyd has signed a leaf and gimsd is there. False: asked to stop
// meanwhile.
Result<bool> wait_until_serving(Front& front, KeydLeafSource& source, GimsdSink& sink,
                                const sys::SignalFd& signals) {
  std::string told;
  for (;;) {
    const auto serving = begin_serving(front, source, sink);
    if (serving) return true;
    // Waiting frees no port.
    if (serving.error().kind == ErrorKind::conflict) return std::unexpected(serving.error());
    const std::string status = "Waiting, not listening: " + serving.error().text;
    if (status != told) {
      log::warning(log::id::waiting, status,
                   {{"ERRCODE", serving.error().code}, {"DETAIL", serving.error().detail}});
      sys::notify_status(status);
      told = status;
    }
    if (signals.stop_asked_within(retry_time)) return false;
  }
}

// As many connections as descriptors allow: one that gims-tlsd cannot serve is better not accepted.
Result<> fit_open_files(Settings& settings) {
  const std::uint64_t wanted = 2 * settings.front.connections + own_files;
  GIMS_TRY_ASSIGN(const std::uint64_t files, sys::raise_open_files(wanted));
  if (files >= wanted) return {};
  log::warning(log::id::open_files_too_few,
               "The limit on open files is below what limits.connections needs.",
               {{"LIMIT", std::to_string(files)}, {"WANTED", std::to_string(wanted)}});
  settings.front.connections = sys::connections_within(files, own_files);
  return {};
}

// Connections are the kernel's where it has TLS, unless the configuration does not want that.
void find_carrier(FrontOptions& front) {
  if (!front.kernel_tls) {
    log::info(log::id::tls_carrier, "Connections are carried here, as the configuration says.");
    return;
  }
  front.kernel_tls = sys::kernel_has_tls();
  log::info(log::id::tls_carrier, front.kernel_tls
                                      ? "The kernel has TLS: it carries the connections."
                                      : "The kernel has no TLS: connections are carried here.");
}

// In the order in which rights are given up. Every descriptor that needs one is open by then.
Result<> confine(const Settings& settings) {
  GIMS_TRY(sys::become_user(settings.user, "gims-tlsd"));
  GIMS_TRY(sys::harden_process());
  // Sockets to gims-keyd and gimsd are Unix sockets; no file is opened from here on.
  return sys::enter_sandbox(
      {.sockets = sys::NewSockets::unix_only, .kernel_tls = settings.front.kernel_tls});
}

Result<> run(Settings settings) {
  GIMS_TRY(fit_open_files(settings));
  find_carrier(settings.front);
  GIMS_TRY_ASSIGN(const auto signals, sys::SignalFd::for_service());
  const SystemClock clock;
  // gims-keyd may be slow to answer, and the end of this process is not to wait for it: neither the
  // start, which sees the signal itself, nor a renewal.
  GIMS_TRY_ASSIGN(const auto stop, sys::EventFd::create());
  KeydLeafSource source(settings.keyd_socket, settings.leaf_lifetime, {signals.fd(), stop.fd()});
  GimsdSink sink(settings.gimsd_socket);
  auto watchdog = sys::Watchdog::from_environment();
  GIMS_TRY_ASSIGN(const auto front, Front::create(settings.front, source, sink, clock));
  front->watch(watchdog);
  GIMS_TRY(confine(settings));

  GIMS_TRY_ASSIGN(const bool serving, wait_until_serving(*front, source, sink, signals));
  if (!serving) return {};
  for (const std::uint16_t port : front->ports()) {
    log::info(log::id::listening, "Listening.", {{"PORT", std::to_string(port)}});
  }
  sys::notify_status("Serving");
  sys::notify_ready();
  while (!signals.stop_asked_within(watchdog.period())) {
    if (watchdog.period()) watchdog.tick();
  }
  sys::notify_stopping();
  stop.signal();
  front->stop();
  return {};
}

int main_with(std::string_view config_path, bool check_only) {
  auto settings = load_settings(std::string(config_path));
  if (!settings) {
    std::fprintf(stderr, "%s\n", settings.error().text.c_str());
    return 2;
  }
  if (check_only) return 0;
  if (const auto ran = run(std::move(*settings)); !ran) {
    log::failure(log::id::cannot_run, "gims-tlsd cannot run.", ran.error());
    return 1;
  }
  return 0;
}

}  // namespace
}  // namespace gims::tls

int main(int argc, char** argv) {
  std::string_view config;
  bool check_only = false;
  bool good = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--check-config") {
      check_only = true;
    } else if (argument == "--config" && i + 1 < argc) {
      config = argv[++i];
    } else {
      good = false;
    }
  }
  if (!good || config.empty()) {
    std::fputs(gims::tls::usage.data(), stderr);
    return 2;
  }
  return gims::tls::main_with(config, check_only);
}
