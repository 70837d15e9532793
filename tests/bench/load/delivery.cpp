// From the moment a send is begun to the moment when another device has it by a long poll. Sends
// are begun at a fixed rate (100 a second), whether earlier ones have arrived or not.
#include <map>

#include "bench/load/senders.hpp"

namespace gims::bench {
namespace {

constexpr double usual_rate = 100;

// Follows one room by long polls and tells of every label that comes.
class Receiver {
 public:
  using OnLabel = std::function<void(std::string_view)>;
  Receiver(Device& device, OnLabel on_label) : device_(device), on_label_(std::move(on_label)) {}
  void start(std::function<void()> ready) {
    device_.sync({}, 0, [this, ready = std::move(ready)](json::Value first) {
      since_ = first.get("next_batch").string_or("");
      ready();
      poll();
    });
  }
  void stop() { device_.connection().close(); }

 private:
  void poll() {
    device_.sync(since_, 30'000, [this](json::Value news) {
      since_ = news.get("next_batch").string_or("");
      for (const auto [room, content] : news.get("rooms").get("join").object()) {
        for (const json::Value event : content.get("timeline").get("events").array()) {
          on_label_(event.get("content").get("session_id").string_or(""));
        }
      }
      poll();
    });
  }
  Device& device_;
  OnLabel on_label_;
  std::string since_;
};

}  // namespace

void delivery(Context& context) {
  auto senders = make_senders(context);
  std::vector<Account> others(
      context.accounts.begin() + static_cast<std::ptrdiff_t>(context.clients),
      context.accounts.end());
  auto receiving = make_devices(context.loop, context.target, others, context.clients);
  std::map<std::string, Time, std::less<>> begun;
  Samples arrival;
  std::vector<std::unique_ptr<Receiver>> receivers;
  for (const auto& device : receiving) {
    receivers.push_back(std::make_unique<Receiver>(*device, [&](std::string_view label) {
      const auto found = begun.find(label);
      if (found == begun.end()) return;
      arrival.add(Clock::now() - found->second);
      begun.erase(found);
    }));
  }
  for_each_index(context.loop, senders.size(), 4, "pairs", [&](std::size_t i, Finished finished) {
    const std::string path = "/_matrix/client/v3/rooms/" + encoded(senders[i].room) + "/invite";
    senders[i].device->ask("POST", path, R"({"user_id":")" + receiving[i]->user_id() + R"("})",
                           [&, i, finished = std::move(finished)](std::string_view) {
                             join_room(*receiving[i], senders[i].room,
                                       [&, i, finished] { receivers[i]->start(finished); });
                           });
  });

  const double rate = context.rate == 0 ? usual_rate : context.rate;
  const auto count = static_cast<std::size_t>(rate * static_cast<double>(context.time.count()));
  Samples sending;
  std::size_t late = 0;  // the sender was still waiting for an answer
  const ProcessorTimes before = processor_times(context.processes);
  const Time start = Clock::now();
  for (std::size_t i = 0; i < count; ++i) {
    context.loop.run_to(start + std::chrono::nanoseconds(static_cast<std::int64_t>(
                                    1e9 * static_cast<double>(i) / rate)));
    Sender& sender = senders[i % senders.size()];
    if (sender.device->connection().busy()) {
      ++late;
      context.loop.run_until([&] { return !sender.device->connection().busy(); }, "a send");
    }
    const std::string label = "n" + std::to_string(i);
    const Time now = Clock::now();
    begun.emplace(label, now);
    sender.device->send(sender.room, label, [&, now] { sending.add(Clock::now() - now); });
  }
  context.loop.run_until([&] { return begun.empty() && sending.size() == count; },
                         "the last deliveries");
  const ProcessorTimes used = difference(before, processor_times(context.processes));
  for (const auto& receiver : receivers) receiver->stop();
  context.report.times("delivery", arrival);
  context.report.times("delivery_send", sending);
  context.report.figure("sends_that_waited", static_cast<double>(late));
  context.report.processor("cpu_us_per_delivery", used, static_cast<double>(count));
}

}  // namespace gims::bench
