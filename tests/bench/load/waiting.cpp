// Memory of a waiting device: what the server's processes use of their own (RssAnon) with all
// devices in a long poll, less what they used when none was connected.
#include <map>

#include "bench/load/scenario.hpp"

namespace gims::bench {

void waiting(Context& context) {
  auto devices = make_devices(context.loop, context.target, context.accounts, context.clients + 1);
  std::unique_ptr<Device> first = std::move(devices.back());
  devices.pop_back();
  bool synced = false;
  // What one request makes the server allocate once is not a device's.
  first->sync({}, 0, [&synced](json::Value) { synced = true; });
  context.loop.run_until([&synced] { return synced; }, "a first sync");
  std::map<std::string, std::int64_t> before;
  for (const Process& process : context.processes) {
    before[process.name] = memory_of(process).anonymous;
  }

  std::vector<std::string> since(devices.size());
  for_each_index(context.loop, devices.size(), 16, "syncs", [&](std::size_t i, Finished finished) {
    devices[i]->sync({}, 0, [&since, i, finished = std::move(finished)](json::Value answer) {
      since[i] = answer.get("next_batch").string_or("");
      finished();
    });
  });
  for (std::size_t i = 0; i < devices.size(); ++i) {
    devices[i]->sync(since[i], 120'000,
                     [](json::Value) { give_up("a long poll that ended early"); });
  }
  // Until the requests have arrived, for which there is no sign from outside.
  context.loop.run_to(Clock::now() + std::chrono::seconds(2));
  double all = 0;
  for (const Process& process : context.processes) {
    const auto grown = static_cast<double>(memory_of(process).anonymous - before[process.name]) /
                       static_cast<double>(devices.size());
    context.report.figure("bytes_per_device_" + process.name, grown);
    all += grown;
  }
  context.report.figure("bytes_per_device", all);
  double proportional = 0;
  for (const Process& process : context.processes) {
    proportional += static_cast<double>(memory_of(process).proportional);
  }
  context.report.figure("bytes", proportional);
  context.report.figure("devices", static_cast<double>(devices.size()));
}

}  // namespace gims::bench
