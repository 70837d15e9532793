// bench_load: loads a Matrix server with one scenario and prints what it found as JSON
// (docs/performance.md).
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "bench/load/accounts.hpp"
#include "bench/load/bystanders.hpp"
#include "bench/load/scenario.hpp"
#include "sys/harden.hpp"

namespace {

using namespace gims;         // NOLINT(google-build-using-namespace): a program of one file
using namespace gims::bench;  // NOLINT(google-build-using-namespace)

struct Options {
  std::string url;
  std::string ca;
  std::string accounts;
  std::string shared_secret;
  std::string processes;
  std::string scenario;
  std::size_t clients = 0;
  unsigned seconds = 10;
  unsigned spread = 0;
  std::size_t bystanders = 0;
  std::string perf_control;
  double rate = 0;
  bool calibrate = false;
};

const Scenario* find(std::string_view name) {
  for (const Scenario& scenario : scenarios()) {
    if (scenario.name == name) return &scenario;
  }
  return nullptr;
}

std::vector<Account> accounts_for(Loop& loop, const Target& target, const Options& options,
                                  std::size_t count) {
  if (count == 0) return {};
  if (!options.accounts.empty()) return read_accounts(options.accounts);
  return register_accounts(loop, target, count, options.shared_secret);
}

// Takes the bystanders' accounts, which stand behind the scenario's own, out of all.
std::vector<Account> split(std::vector<Account>& all, std::size_t own, std::size_t bystanders) {
  if (bystanders == 0) return {};
  if (all.size() < own + bystanders) {
    give_up("this needs " + std::to_string(own + bystanders) + " accounts, and there are " +
            std::to_string(all.size()));
  }
  const auto first = all.begin() + static_cast<std::ptrdiff_t>(own);
  std::vector<Account> taken(first, first + static_cast<std::ptrdiff_t>(bystanders));
  all.resize(own);
  return taken;
}

void run(const Options& options, const Scenario& scenario) {
  const auto processes = parse_processes(options.processes);
  if (!processes) give_up("--processes is NAME=PID,NAME=PID");
  const auto target = make_target(options.url, options.ca, options.spread);
  if (!target) give_up(target.error().text + " " + target.error().detail);
  static_cast<void>(sys::raise_open_files(65536));
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  Loop loop;
  const std::size_t clients = options.clients == 0 ? scenario.clients : options.clients;
  const std::size_t own = clients * scenario.accounts_per_client + scenario.more_accounts;
  auto accounts = accounts_for(loop, *target, options, own + options.bystanders);
  const std::vector<Account> waiting = split(accounts, own, options.bystanders);
  const Bystanders bystanders(loop, *target, waiting, clients);
  Report report;
  Meter meter(*processes, options.perf_control);
  Context context{.loop = loop,
                  .target = *target,
                  .accounts = std::move(accounts),
                  .processes = *processes,
                  .clients = clients,
                  .time = std::chrono::seconds(options.seconds),
                  .rate = options.rate,
                  .report = report,
                  .meter = meter};
  scenario.run(context);
  std::printf("%s\n", report.finish().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  std::string about = "Loads a Matrix server and prints what it measured as JSON. Scenarios:";
  for (const Scenario& scenario : scenarios()) {
    about.append("\n  ").append(scenario.name).append(": ").append(scenario.what);
  }
  CLI::App app(about);
  Options options;
  app.add_option("--url", options.url, "The server: https://127.0.0.1:8448");
  app.add_option("--scenario", options.scenario, "What is measured");
  app.add_option("--ca", options.ca, "PEM; without, any certificate will do");
  app.add_option("--accounts", options.accounts, "File of accounts; without, they are registered");
  app.add_option("--shared-secret", options.shared_secret,
                 "Register in Synapse's form with this secret; without, by open registration");
  app.add_option("--processes", options.processes,
                 "Processes of the server, if they are on this machine: gimsd=123,gims-tlsd=124");
  app.add_option("--clients", options.clients, "Senders, devices, rooms: as the scenario has it");
  app.add_option("--seconds", options.seconds, "How long is measured")
      ->check(CLI::Range(1U, 3600U))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "Sends a second; without, as fast as it goes")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--spread", options.spread, "Come from so many addresses, 127.0.1.1 and up")
      ->check(CLI::Range(0U, 200U));
  app.add_option("--bystanders", options.bystanders,
                 "So many further devices wait in long polls meanwhile");
  app.add_option("--perf-control", options.perf_control,
                 "COMMANDS,ANSWERS: pipes of a 'perf record --control=fifo:', which is to record "
                 "what is measured alone");
  app.add_flag("--calibrate", options.calibrate, "Only tell how fast this machine is now");
  CLI11_PARSE(app, argc, argv);
  if (options.calibrate) {
    std::printf("%s\n", to_json(calibrate()).c_str());
    return 0;
  }
  const Scenario* scenario = find(options.scenario);
  if (scenario == nullptr) give_up("there is no scenario '" + options.scenario + "'");
  run(options, *scenario);
  return 0;
}
