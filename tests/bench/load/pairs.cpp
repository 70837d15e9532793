#include "bench/load/pairs.hpp"

#include <functional>
#include <utility>

namespace gims::bench {

// Follows one room by long polls and tells of every label that comes.
class Pairs::Receiver {
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

Pairs::Pairs(Loop& loop, const Target& target, const std::vector<Account>& accounts,
             std::size_t count)
    : loop_(loop), senders_(make_senders(loop, target, accounts, count)) {
  const std::vector<Account> others(accounts.begin() + static_cast<std::ptrdiff_t>(count),
                                    accounts.end());
  receiving_ = make_devices(loop, target, others, count);
  for (const auto& device : receiving_) {
    receivers_.push_back(std::make_unique<Receiver>(*device, [this](std::string_view label) {
      const auto found = begun_.find(label);
      if (found == begun_.end()) return;
      arrival_.add(Clock::now() - found->second);
      begun_.erase(found);
    }));
  }
  for_each_index(loop, count, 4, "pairs", [&](std::size_t i, Finished finished) {
    const std::string path = "/_matrix/client/v3/rooms/" + encoded(senders_[i].room) + "/invite";
    senders_[i].device->ask("POST", path, R"({"user_id":")" + receiving_[i]->user_id() + R"("})",
                            [this, i, finished = std::move(finished)](std::string_view) {
                              join_room(*receiving_[i], senders_[i].room,
                                        [this, i, finished] { receivers_[i]->start(finished); });
                            });
  });
}

Pairs::~Pairs() {
  for (const auto& receiver : receivers_) receiver->stop();
}

void Pairs::send(const Time* due) {
  Sender& sender = senders_[sent_ % senders_.size()];
  if (sender.device->connection().busy()) {
    ++late_;
    loop_.run_until([&] { return !sender.device->connection().busy(); }, "a send");
  }
  const std::string label = "n" + std::to_string(sent_++);
  const Time from = due != nullptr ? *due : Clock::now();
  begun_.emplace(label, from);
  sender.device->send(sender.room, label, [this, from] {
    ++answered_;
    sending_.add(Clock::now() - from);
  });
}

void Pairs::settle() {
  loop_.run_until([this] { return begun_.empty() && answered_ == sent_; }, "the last deliveries");
}

void Pairs::forget_times() {
  sending_ = {};
  arrival_ = {};
  late_ = 0;
}

}  // namespace gims::bench
