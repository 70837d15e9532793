// One send at a time, each begun when the one before is answered: what a lone officer waits for.
// The senders take turns, so that a limit per user is not reached.
#include "bench/load/senders.hpp"

namespace gims::bench {

void sequential(Context& context) {
  auto senders = make_senders(context);
  Samples times;
  const auto send = [&](Sender& sender) {
    bool answered = false;
    const Time start = Clock::now();
    sender.device->send(sender.room, "s", [&] {
      times.add(Clock::now() - start);
      answered = true;
    });
    context.loop.run_until([&] { return answered; }, "a send");
  };
  // Warm: each sender's room is in the server's memory.
  for (Sender& sender : senders) send(sender);
  times = {};
  context.meter.begin();
  const Time end = Clock::now() + context.time;
  for (std::size_t i = 0; Clock::now() < end; ++i) send(senders[i % senders.size()]);
  const ProcessorTimes used = context.meter.end();
  context.report.times("sequential", times);
  context.report.processor("cpu_us_per_send", used, static_cast<double>(times.size()));
}

}  // namespace gims::bench
