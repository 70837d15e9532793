// What one row measures. Each scenario is a function in a file of its own.
#pragma once

#include <chrono>
#include <span>
#include <string_view>
#include <vector>

#include "bench/load/device.hpp"
#include "bench/load/meter.hpp"
#include "bench/load/processes.hpp"
#include "bench/load/report.hpp"

namespace gims::bench {

struct Context {
  Loop& loop;
  const Target& target;
  std::vector<Account> accounts;
  std::vector<Process> processes;  // of the server; empty where it is another machine's
  std::size_t clients = 0;         // as the scenario counts them
  std::chrono::seconds time{10};
  double rate = 0;  // a second; 0: as fast as it goes
  Report& report;
  Meter& meter;
};

struct Scenario {
  std::string_view name;
  void (*run)(Context&);
  std::size_t clients;  // unless told otherwise
  std::size_t accounts_per_client;
  std::size_t more_accounts;
  std::string_view what;
};

[[nodiscard]] std::span<const Scenario> scenarios();

void sends(Context& context);
void sequential(Context& context);
void delivery(Context& context);
void incremental(Context& context);
void fanout(Context& context);
void waiting(Context& context);
void handshakes(Context& context);
void first_sync(Context& context);
void first_sync_cold(Context& context);
void storm(Context& context);

}  // namespace gims::bench
