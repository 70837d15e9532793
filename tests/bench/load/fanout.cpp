// Deliveries a second in one room. By turns: all devices begin a long poll, one message is sent,
// and when all have it the next turn begins; so a delivery includes the device's next long poll,
// and nothing is delivered two at a time.
#include "bench/load/crowd.hpp"
#include "bench/load/senders.hpp"

namespace gims::bench {

void fanout(Context& context) {
  Crowd crowd(context);
  const auto turn = [&crowd] {
    crowd.wait();
    crowd.send_to_all();
  };
  turn();  // connects them, and fills the server's memory
  crowd.arrivals() = {};
  context.meter.begin();
  const Time start = Clock::now();
  double turns = 0;
  do {
    turn();
    ++turns;
  } while (Clock::now() - start < context.time);
  const double took = seconds_since(start);
  const ProcessorTimes used = context.meter.end();
  const double deliveries = turns * static_cast<double>(crowd.size());
  context.report.figure("deliveries_per_second", deliveries / took);
  context.report.times("fanout", crowd.arrivals());
  context.report.processor("cpu_us_per_delivery", used, deliveries);
}

}  // namespace gims::bench
