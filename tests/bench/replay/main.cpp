// bench_replay: the pilot's day on one server, and an exact check of what every device saw
// (docs/performance.md).
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "bench/load/report.hpp"
#include "bench/replay/player.hpp"
#include "sys/harden.hpp"

namespace {

using namespace gims;         // NOLINT(google-build-using-namespace): a program of one file
using namespace gims::bench;  // NOLINT(google-build-using-namespace)

struct Options {
  std::string url;
  std::string ca;
  std::string processes;
  unsigned spread = 0;
  std::uint64_t messages = 2'500'000;
  double morning_seconds = 60;
  double morning_rate = 50;
  OrganisationOptions organisation;
  PlayOptions play;
};

double seconds_from(Time start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

void tell(const char* what, Time start) {
  std::fprintf(stderr, "  %7.1f s  %s\n", seconds_from(start), what);
}

void report_world(Report& report, const World& world, std::size_t devices) {
  report.figure("officers", static_cast<double>(world.organisation.officers.size()));
  report.figure("devices", static_cast<double>(devices));
  report.figure("departments", static_cast<double>(world.organisation.departments));
  report.figure("rooms", static_cast<double>(world.organisation.rooms.size()));
  double members = 0;
  for (const PlannedRoom& room : world.organisation.rooms) {
    members += static_cast<double>(room.members.size());
  }
  report.figure("memberships", members);
}

void report_counts(Report& report, const Player& player, const Ledger& ledger) {
  const Player::Counts counts = player.counts();
  report.figure("messages", static_cast<double>(counts.sent));
  report.figure("deliveries", static_cast<double>(ledger.deliveries()));
  report.figure("looks", static_cast<double>(counts.looks));
  report.figure("history_pages", static_cast<double>(counts.pages));
  report.figure("receipts", static_cast<double>(counts.receipts));
  report.figure("typing", static_cast<double>(counts.typing));
  report.figure("key_shares", static_cast<double>(counts.shares));
  report.figure("to_device", static_cast<double>(ledger.to_device()));
  report.figure("changed_devices", static_cast<double>(counts.changed_devices));
}

// 0 when every device saw all, 1 otherwise.
int run(const Options& options) {
  const auto processes = parse_processes(options.processes);
  if (!processes) give_up("--processes is NAME=PID,NAME=PID");
  const auto target = make_target(options.url, options.ca, options.spread);
  if (!target) give_up(target.error().text + " " + target.error().detail);
  static_cast<void>(sys::raise_open_files(65536));
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL

  Loop loop;
  const Time start = Clock::now();
  World world = make_world(loop, *target, make_organisation(options.organisation));
  const std::size_t devices = world.devices.size();
  tell("accounts, devices and rooms are there", start);
  Ledger ledger(world.organisation.rooms.size());
  Player player(loop, *target, world, ledger, options.play);
  player.first_looks();
  tell("every device has looked for the first time", start);

  Report report;
  Day day(world.organisation, options.messages, options.play.seed);
  const ProcessorTimes before_morning = processor_times(*processes);
  auto morning = player.morning(
      std::chrono::milliseconds(static_cast<std::int64_t>(options.morning_seconds * 1000)),
      options.morning_rate, day);
  const ProcessorTimes after_morning = processor_times(*processes);
  tell("morning: all have connected", start);
  const Time began = Clock::now();
  player.play(day);
  const double played = seconds_from(began);
  tell("the day is over", start);
  player.catch_up();
  const double caught_up = seconds_from(began);
  tell("all have caught up", start);
  const ProcessorTimes used = difference(after_morning, processor_times(*processes));
  player.look_once_more();
  player.read_histories();
  ledger.finish();
  tell("checked", start);

  report_world(report, world, devices);
  report_counts(report, player, ledger);
  report.figure("morning_s", morning.took);
  report.times("morning_look", morning.looks);
  report.times("morning_others_send", morning.others);
  report.figure("morning_cpu_us_per_device",
                static_cast<double>(total(difference(before_morning, after_morning)).count()) /
                    static_cast<double>(devices));
  report.figure("play_s", played);
  report.figure("replay_s", caught_up);
  report.figure("messages_per_second", static_cast<double>(ledger.events()) / caught_up);
  report.times("send", player.sends());
  report.times("delivery", player.deliveries());
  report.processor("cpu_us_per_message", used, static_cast<double>(ledger.events()));
  for (const Process& process : *processes) {
    report.figure("bytes_" + process.name, static_cast<double>(memory_of(process).anonymous));
  }
  report.figure("faults", static_cast<double>(ledger.faults()));
  std::printf("%s\n", report.finish().c_str());
  for (const std::string& fault : ledger.told()) std::fprintf(stderr, "%s\n", fault.c_str());
  if (ledger.faults() == 0 && ledger.events() == options.messages) return 0;
  std::fprintf(stderr, "bench_replay: %zu faults, %llu of %llu messages acknowledged\n",
               ledger.faults(), static_cast<unsigned long long>(ledger.events()),
               static_cast<unsigned long long>(options.messages));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Makes ministries with officers, rooms and devices on a server that lets anyone register, "
      "plays a day of messages, and checks that every device saw every event of its rooms, once, "
      "in order. Prints what it measured as JSON.");
  Options options;
  app.add_option("--url", options.url, "The server: https://127.0.0.1:8448")->required();
  app.add_option("--ca", options.ca, "PEM; without, any certificate will do");
  app.add_option("--processes", options.processes,
                 "Processes of the server, if they are on this machine: gimsd=123,gims-tlsd=124");
  app.add_option("--spread", options.spread, "Come from so many addresses, 127.0.1.1 and up")
      ->check(CLI::Range(0U, 200U));
  app.add_option("--messages", options.messages)->capture_default_str();
  app.add_option("--officers", options.organisation.officers)
      ->check(CLI::Range(12U, 100'000U))
      ->capture_default_str();
  app.add_option("--ministries", options.organisation.ministries)
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
  app.add_option("--second-devices", options.organisation.second_devices,
                 "Part of the officers who have two")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--speed", options.play.speed,
                 "Minutes of the day in a minute; 0: as fast as the server answers")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--look-every", options.play.look_every,
                 "Minutes of the day after which a device looks for news")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--watchers", options.play.watchers, "Devices in long polls all day")
      ->capture_default_str();
  app.add_option("--connections", options.play.connections, "Devices that keep theirs open")
      ->capture_default_str();
  app.add_option("--changed-devices", options.play.changed_devices)->capture_default_str();
  app.add_option("--morning", options.morning_seconds, "Seconds in which all devices connect")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--morning-rate", options.morning_rate, "Sends a second meanwhile")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--seed", options.play.seed)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  options.organisation.seed = options.play.seed;
  return run(options);
}
