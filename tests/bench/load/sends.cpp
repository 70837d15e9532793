// Durable sends a second: a send counts when its answer has come, that is, when the event is on the
// disk. Without a rate each sender sends again as soon as it is answered; with one, sends are begun
// at that rate by whoever is free.
#include <algorithm>
#include <deque>

#include "bench/load/senders.hpp"

namespace gims::bench {
namespace {

class Run {
 public:
  Run(Loop& loop, std::vector<Sender>& senders) : loop_(loop), senders_(senders) {}

  // Returns when all are answered.
  void for_time(std::chrono::seconds time, double rate) {
    answered_ = 0;
    times_ = {};
    const Time start = Clock::now();
    end_ = start + time;
    again_ = rate == 0;
    if (again_) {
      for (Sender& sender : senders_) begin(sender);
      loop_.run_to(end_);
    } else {
      pace(start, rate);
    }
    loop_.run_until([this] { return under_way_ == 0; }, "the last sends");
    took_ = seconds_since(start);
  }

  [[nodiscard]] double answered() const { return answered_; }
  [[nodiscard]] double took() const { return took_; }
  [[nodiscard]] Samples& times() { return times_; }

 private:
  void pace(Time start, double rate) {
    std::deque<Sender*> free;
    for (Sender& sender : senders_) free.push_back(&sender);
    free_ = &free;
    for (double number = 0;; ++number) {
      const auto at =
          start + std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * number / rate));
      if (at >= end_) break;
      if (at > Clock::now()) loop_.run_to(at);
      loop_.run_until([&free] { return !free.empty(); }, "a sender that is free");
      Sender* sender = free.front();
      free.pop_front();
      begin(*sender);
    }
    loop_.run_until([this] { return under_way_ == 0; }, "the last sends");
    free_ = nullptr;
  }

  void begin(Sender& sender) {
    ++under_way_;
    const Time start = Clock::now();
    sender.device->send(sender.room, "s", [this, &sender, start] {
      --under_way_;
      ++answered_;
      times_.add(Clock::now() - start);
      if (free_ != nullptr) free_->push_back(&sender);
      if (again_ && Clock::now() < end_) begin(sender);
    });
  }

  Loop& loop_;
  std::vector<Sender>& senders_;
  std::deque<Sender*>* free_ = nullptr;
  Time end_;
  bool again_ = false;
  std::size_t under_way_ = 0;
  double answered_ = 0;
  double took_ = 0;
  Samples times_;
};

}  // namespace

void sends(Context& context) {
  auto senders = make_senders(context);
  Run run(context.loop, senders);
  run.for_time(std::min(context.time, std::chrono::seconds(2)), context.rate);  // warm
  context.meter.begin();
  run.for_time(context.time, context.rate);
  const ProcessorTimes used = context.meter.end();
  context.report.figure("sends_per_second", run.answered() / run.took());
  context.report.times("send", run.times());
  context.report.processor("cpu_us_per_send", used, run.answered());
}

}  // namespace gims::bench
