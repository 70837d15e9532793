// A reconnect storm: after a night all devices connect again, evenly within context.time, each with
// a full handshake and a sync from where it was in the evening, and then wait in a long poll. Pairs
// that were connected before go on meanwhile, and their times are the others'. Times count from
// when a device or a send was due, not from when this program came to it.
#include "bench/load/night.hpp"
#include "bench/load/pairs.hpp"

namespace gims::bench {
namespace {

constexpr std::size_t pairs_count = 20;
constexpr double usual_rate = 100;
constexpr int long_poll_ms = 300'000;

class Storm {
 public:
  Storm(Context& context, const Night& night, Pairs& others)
      : context_(context),
        night_(night),
        others_(others),
        devices_(make_devices(context.loop, context.target, context.accounts, context.clients)),
        rate_(context.rate == 0 ? usual_rate : context.rate) {
    for (const auto& device : devices_) device->set_filter(lazy_members);
  }

  // Sends of the pairs alone, for comparison.
  void calm(std::chrono::nanoseconds time) {
    start_ = Clock::now();
    sent_ = 0;
    while (due_send() < start_ + time) {
      context_.loop.run_to(due_send());
      begin_due_sends();
    }
    others_.settle();
  }

  // Returns when every device has its backlog.
  void play() {
    start_ = Clock::now();
    sent_ = 0;
    std::size_t next = 0;
    const auto due_device = [&] {
      return start_ + std::chrono::nanoseconds(context_.time) * static_cast<std::int64_t>(next) /
                          static_cast<std::int64_t>(devices_.size());
    };
    while (answered_ < devices_.size()) {
      if (Clock::now() > start_ + limit) give_up("the storm does not end");
      const bool all_begun = next == devices_.size();
      context_.loop.run_to(all_begun ? due_send() : std::min<Time>(due_send(), due_device()));
      while (next < devices_.size() && due_device() <= Clock::now()) {
        reconnect(next, due_device());
        ++next;
      }
      begin_due_sends();
    }
    others_.settle();
  }

  [[nodiscard]] double took() const {
    return std::chrono::duration<double>(last_ - start_).count();
  }
  [[nodiscard]] Samples& handshakes() noexcept { return handshakes_; }
  [[nodiscard]] Samples& looks() noexcept { return looks_; }

 private:
  static constexpr std::chrono::seconds limit{240};

  [[nodiscard]] Time due_send() const {
    return start_ + std::chrono::nanoseconds(
                        static_cast<std::int64_t>(1e9 * static_cast<double>(sent_) / rate_));
  }

  void begin_due_sends() {
    for (Time due = due_send(); due <= Clock::now(); due = due_send()) {
      ++sent_;
      others_.send(&due);
    }
  }

  void reconnect(std::size_t i, Time due) {
    Device& device = *devices_[i];
    device.connection().open([this, &device, i, due] {
      handshakes_.add(Clock::now() - due);
      device.sync(night_.since(i), long_poll_ms, [this, &device, i, due](json::Value news) {
        last_ = Clock::now();
        looks_.add(last_ - due);
        if (const std::string missing = night_.plan().missing_in(news, i); !missing.empty()) {
          give_up("device " + std::to_string(i) + " has not what it missed: " + missing);
        }
        ++answered_;
        device.sync(news.get("next_batch").string_or(""), long_poll_ms, [](json::Value) {});
      });
    });
  }

  Context& context_;
  const Night& night_;
  Pairs& others_;
  Devices devices_;
  double rate_;
  Time start_;
  Time last_;
  std::size_t sent_ = 0;
  std::size_t answered_ = 0;
  Samples handshakes_;
  Samples looks_;
};

}  // namespace

void storm(Context& context) {
  const auto split = context.accounts.begin() + static_cast<std::ptrdiff_t>(context.clients);
  const std::vector<Account> away(context.accounts.begin(), split);
  const std::vector<Account> here(split, context.accounts.end());
  const Night night(context.loop, context.target, away);
  Pairs others(context.loop, context.target, here, pairs_count);
  Storm storm(context, night, others);
  storm.calm(std::min<std::chrono::seconds>(context.time, std::chrono::seconds(5)));
  context.report.times("others_before_send", others.sending());
  context.report.times("others_before_delivery", others.arrival());
  others.forget_times();
  context.meter.begin();
  storm.play();
  const ProcessorTimes used = context.meter.end();
  context.report.figure("devices", static_cast<double>(context.clients));
  context.report.figure("rooms", static_cast<double>(night.plan().rooms.size()));
  context.report.figure("night_messages", static_cast<double>(night.plan().messages.size()));
  context.report.figure("storm_s", storm.took());
  context.report.times("handshake", storm.handshakes());
  context.report.times("look", storm.looks());
  context.report.times("others_send", others.sending());
  context.report.times("others_delivery", others.arrival());
  context.report.processor("cpu_us_per_device", used, static_cast<double>(context.clients));
}

}  // namespace gims::bench
