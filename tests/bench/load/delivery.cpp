// From the moment a send is begun to the moment when another device has it by a long poll. Sends
// are begun at a fixed rate (100 a second), whether earlier ones have arrived or not.
#include "bench/load/pairs.hpp"

namespace gims::bench {
namespace {

constexpr double usual_rate = 100;

}  // namespace

void delivery(Context& context) {
  Pairs pairs(context.loop, context.target, context.accounts, context.clients);
  const double rate = context.rate == 0 ? usual_rate : context.rate;
  const auto count = static_cast<std::size_t>(rate * static_cast<double>(context.time.count()));
  context.meter.begin();
  const Time start = Clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    context.loop.run_to(start + std::chrono::nanoseconds(static_cast<std::int64_t>(
                                    1e9 * static_cast<double>(i) / rate)));
    pairs.send();
  }
  pairs.settle();
  const ProcessorTimes used = context.meter.end();
  context.report.times("delivery", pairs.arrival());
  context.report.times("delivery_send", pairs.sending());
  context.report.figure("sends_that_waited", static_cast<double>(pairs.late()));
  context.report.processor("cpu_us_per_delivery", used, static_cast<double>(count));
}

}  // namespace gims::bench
