// What an incremental sync costs that brings one message: by turns every sender sends one, and then
// every receiver asks what is new. Only the receivers' part counts.
#include <algorithm>

#include "bench/load/senders.hpp"

namespace gims::bench {
namespace {

// Of all threads, by their own clocks: a turn is too short for those of the processes.
double microseconds_of_threads(const ProcessorTimes& times) {
  double sum = 0;
  for (const auto& [name, time] : times) {
    if (name.contains('/')) sum += static_cast<double>(time.count());
  }
  return sum;
}

}  // namespace

void incremental(Context& context) {
  auto senders = make_senders(context);
  const std::vector<Account> others(
      context.accounts.begin() + static_cast<std::ptrdiff_t>(context.clients),
      context.accounts.end());
  auto receivers = make_devices(context.loop, context.target, others, context.clients);
  std::vector<std::string> since(receivers.size());
  const auto sync = [&](std::size_t i, Finished finished) {
    receivers[i]->sync(since[i], 0, [&, i, finished = std::move(finished)](json::Value news) {
      since[i] = news.get("next_batch").string_or("");
      finished();
    });
  };
  for_each_index(context.loop, senders.size(), 16, "pairs", [&](std::size_t i, Finished finished) {
    const std::string path = "/_matrix/client/v3/rooms/" + encoded(senders[i].room) + "/invite";
    senders[i].device->ask("POST", path, R"({"user_id":")" + receivers[i]->user_id() + R"("})",
                           [&, i, finished = std::move(finished)](std::string_view) {
                             join_room(*receivers[i], senders[i].room, finished);
                           });
  });
  for_each_index(context.loop, receivers.size(), 16, "first syncs", sync);

  Samples times;
  double used = 0;
  double syncs = 0;
  const Time end = Clock::now() + context.time;
  do {
    for_each_index(context.loop, senders.size(), 16, "sends",
                   [&](std::size_t i, Finished finished) {
                     senders[i].device->send(senders[i].room, "i", std::move(finished));
                   });
    context.meter.begin();
    for_each_index(context.loop, receivers.size(), 16, "syncs",
                   [&](std::size_t i, Finished finished) {
                     sync(i, [&times, start = Clock::now(), finished = std::move(finished)] {
                       times.add(Clock::now() - start);
                       finished();
                     });
                   });
    used += microseconds_of_threads(context.meter.end());
    syncs += static_cast<double>(receivers.size());
  } while (Clock::now() < end);
  context.report.times("incremental", times);
  context.report.figure("cpu_us_per_sync", used / syncs);
}

}  // namespace gims::bench
