#include "app/gimsd.hpp"

#include <array>
#include <optional>
#include <utility>

#include "app/keyd_approvals.hpp"
#include "app/keyd_attester.hpp"
#include "app/keyd_decisions.hpp"
#include "app/keyd_witness.hpp"
#include "app/site.hpp"
#include "app/store_marks.hpp"
#include "base/log.hpp"
#include "hsm/proto/client.hpp"
#include "http/listener.hpp"
#include "sys/harden.hpp"
#include "sys/notify.hpp"
#include "sys/sandbox.hpp"
#include "sys/signals.hpp"
#include "sys/socket.hpp"

namespace gims::app {
namespace {

constexpr std::chrono::milliseconds retry_time{1000};
constexpr std::chrono::milliseconds status_time{5000};
// Database files, listeners, loops: what is open beside a descriptor and a tether a connection.
constexpr std::uint64_t own_files = 256;

struct FromKeyd {
  std::string server_name;
  std::string organisation;
  hsm::DataKeys keys;
  SecretBytes relay_secret;  // empty where there is no relay for calls
};

Result<FromKeyd> fetch_keys(const Settings& settings, const sys::SignalFd& signals) {
  // A gims-keyd that is slow to answer does not hold up the end of gimsd.
  GIMS_TRY_ASSIGN(
      const auto keyd,
      hsm::Client::connect(settings.keyd_socket, hsm::Client::default_limit, {signals.fd()}));
  GIMS_TRY_ASSIGN(const hsm::StatusReply status, keyd->status());
  if (status.state != hsm::State::operational) {
    return fail(ErrorKind::unavailable, "GIMS_KEYD_STATE",
                "gims-keyd is " + std::string(hsm::name_of(status.state)), status.reason);
  }
  FromKeyd fetched{.server_name = status.server_name,
                   .organisation = status.organisation,
                   .keys = {},
                   .relay_secret = {}};
  GIMS_TRY_ASSIGN(fetched.keys, keyd->data_keys());
  if (!settings.relay.host.empty()) {
    GIMS_TRY_ASSIGN(hsm::RelaySecret relay, keyd->relay_secret());
    fetched.relay_secret = std::move(relay.secret);
  }
  return fetched;
}

// Nothing: asked to stop meanwhile. What ails gims-keyd is for its administrator to cure; gimsd
// then goes on by itself.
std::optional<FromKeyd> wait_for_keys(const Settings& settings, const sys::SignalFd& signals) {
  std::string told;
  for (;;) {
    auto fetched = fetch_keys(settings, signals);
    if (fetched) return std::move(*fetched);
    const std::string status = "Waiting for keys: " + fetched.error().text;
    if (status != told) {
      log::warning(log::id::waiting, status,
                   {{"ERRCODE", fetched.error().code}, {"DETAIL", fetched.error().detail}});
      sys::notify_status(status);
      told = status;
    }
    if (signals.stop_asked_within(retry_time)) return std::nullopt;
  }
}

// In the order in which rights are given up; afterwards threads may start.
Result<> confine(Settings& settings) {
  const std::uint64_t wanted = 2 * settings.http.connections + own_files;
  GIMS_TRY_ASSIGN(const std::uint64_t files, sys::raise_open_files(wanted));
  if (files < wanted) {
    log::warning(log::id::open_files_too_few,
                 "The limit on open files is below what http.connections needs.",
                 {{"LIMIT", std::to_string(files)}, {"WANTED", std::to_string(wanted)}});
    settings.http.connections = sys::connections_within(files, own_files);
  }
  GIMS_TRY(sys::become_user(settings.user, "gimsd"));
  return sys::harden_process();
}

// Beside what every daemon may call, and what the path rules bring (opening, writing, syncing and
// removing files: SQLite and media), there is nothing to add. Unix sockets alone can be made, for
// gims-keyd and the journal: a gimsd that was taken over reaches no network.
Result<> enter_sandbox(const Settings& settings) {
  sys::Sandbox sandbox;
  sandbox.sockets = sys::NewSockets::unix_only;
  sandbox.paths.push_back({.path = settings.data_folder,
                           .right = sys::PathRight::write_tree,
                           .reason = "the database, its log and the media"});
  sandbox.paths.push_back({.path = "/dev/urandom",
                           .right = sys::PathRight::read_file,
                           .reason = "SQLite's own generator (names of temporary files)"});
  return sys::enter_sandbox(sandbox);
}

struct Doors {
  sys::BoundSocket intake;
  sys::BoundSocket admin;
};

Result<Doors> open_doors(const Settings& settings) {
  // Each checks its peer's uid; the folder says who can reach the socket at all.
  constexpr mode_t anyone = 0666;
  GIMS_TRY_ASSIGN(auto intake, sys::BoundSocket::seqpacket(settings.intake_socket, anyone));
  GIMS_TRY_ASSIGN(auto admin, sys::BoundSocket::stream(settings.admin_socket, anyone));
  return Doors{.intake = std::move(intake), .admin = std::move(admin)};
}

void serve_until_stopped(const Site& site, sys::Watchdog& watchdog, const sys::SignalFd& signals) {
  std::string told;
  while (!signals.stop_asked_within(watchdog.period().value_or(status_time))) {
    if (watchdog.period()) watchdog.tick();
    if (std::string status = site.status(); status != told) {
      sys::notify_status(status);
      told = std::move(status);
    }
  }
}

}  // namespace

Result<> run_gimsd(Settings settings) {
  GIMS_TRY_ASSIGN(const auto signals, sys::SignalFd::for_service());
  const SystemClock clock;
  auto watchdog = sys::Watchdog::from_environment();
  GIMS_TRY(confine(settings));
  auto fetched = wait_for_keys(settings, signals);
  if (!fetched) return {};
  settings.policy.server_name = fetched->server_name;
  settings.relay.secret = std::move(fetched->relay_secret);
  // They do not listen until the site serves: gims-tlsd finds nobody there until then, and refuses
  // clients rather than let them wait for a long migration.
  GIMS_TRY_ASSIGN(Doors doors, open_doors(settings));
  GIMS_TRY_ASSIGN(auto attester, KeydAttester::create(settings.keyd_socket));
  GIMS_TRY(enter_sandbox(settings));

  GIMS_TRY_ASSIGN(
      const auto site,
      Site::open(
          {.services = {.policy = std::move(settings.policy),
                        .folder = settings.data_folder,
                        .keys = std::move(fetched->keys),
                        .migrate = settings.migrate,
                        .relay = std::move(settings.relay),
                        .witness = std::make_unique<KeydWitness>(settings.keyd_socket),
                        .attestation = std::move(attester),
                        .decisions = std::make_unique<KeydDecisionsClient>(settings.keyd_socket),
                        .approvals = std::make_unique<KeydApprovalsClient>(settings.keyd_socket),
                        .organisation = std::move(fetched->organisation)},
           .http = settings.http,
           .admins = settings.admins},
          clock));
  // An older copy of the database is not served: officers would miss messages that they have sent.
  StoreMarks marks(settings.keyd_socket, [&store = site->services().store()] {
    return static_cast<std::uint64_t>(store.position());
  });
  const auto entry = static_cast<std::uint64_t>(site->services().audit().state().sequence);
  if (const auto begun = marks.begin(signals.fd(), entry); !begun) {
    if (begun.error().code == "GIMS_KEYD_GONE" && signals.stop_asked()) return {};
    return begun;
  }
  GIMS_TRY(site->serve());
  site->watch(watchdog);
  const auto adopt = [&](http::Incoming connection, http::Peer peer) {
    site->adopt(std::move(connection), std::move(peer));
  };
  GIMS_TRY_ASSIGN(sys::Fd admin_socket, std::move(doors.admin).listen());
  GIMS_TRY_ASSIGN(const auto admin,
                  http::Listener::local(std::move(admin_socket), http::Door::admin, adopt));
  GIMS_TRY_ASSIGN(sys::Fd intake_socket, std::move(doors.intake).listen());
  GIMS_TRY_ASSIGN(const auto intake,
                  http::Listener::intake(std::move(intake_socket), settings.intake_sender, adopt));
  log::notice(log::id::started, "started",
              {{"SERVER_NAME", site->services().policy().server_name}});
  sys::notify_ready();
  serve_until_stopped(*site, watchdog, signals);
  sys::notify_stopping();
  intake->stop();
  admin->stop();
  site->stop();
  marks.stop();
  return {};
}

}  // namespace gims::app
