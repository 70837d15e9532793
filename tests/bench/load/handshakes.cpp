// Full TLS handshakes, several under way at a time; each connection ends once it is made. What
// counts is the server's processor time, as the clients' part uses about as much.
#include "bench/load/senders.hpp"

namespace gims::bench {

void handshakes(Context& context) {
  if (!context.target.tls) give_up("handshakes need https");
  std::vector<std::unique_ptr<Connection>> connections;
  connections.reserve(context.clients);
  for (std::size_t i = 0; i < context.clients; ++i) {
    connections.push_back(std::make_unique<Connection>(context.loop, context.target, i));
  }
  Samples times;
  const auto round = [&](std::chrono::seconds time) {
    times = {};
    const Time end = Clock::now() + time;
    while (Clock::now() < end) {
      std::size_t open = 0;
      const Time start = Clock::now();
      for (const auto& connection : connections) {
        connection->open([&open, &times, start] {
          ++open;
          times.add(Clock::now() - start);
        });
      }
      context.loop.run_until([&] { return open == connections.size(); }, "handshakes");
      for (const auto& connection : connections) connection->close();
    }
  };
  round(std::chrono::seconds(1));
  context.meter.begin();
  const Time start = Clock::now();
  round(context.time);
  const double took = seconds_since(start);
  const ProcessorTimes used = context.meter.end();
  const auto count = static_cast<double>(times.size());
  context.report.figure("handshakes_per_second", count / took);
  if (const double busy = static_cast<double>(total(used).count()) / 1e6; busy > 0) {
    context.report.figure("handshakes_per_core_second", count / busy);
  }
  context.report.processor("cpu_us_per_handshake", used, count);
}

}  // namespace gims::bench
