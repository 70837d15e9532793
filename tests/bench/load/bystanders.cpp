#include "bench/load/bystanders.hpp"

#include <utility>

namespace gims::bench {
namespace {

constexpr int long_poll_ms = 300'000;

}  // namespace

Bystanders::Bystanders(Loop& loop, const Target& target, const std::vector<Account>& accounts,
                       std::size_t number)
    : since_(accounts.size()) {
  for (const Account& account : accounts) {
    devices_.push_back(std::make_unique<Device>(loop, target, number++, account));
  }
  for_each_index(loop, devices_.size(), 16, "bystanders", [&](std::size_t i, Finished finished) {
    devices_[i]->sync({}, 0, [this, i, finished = std::move(finished)](json::Value first) {
      since_[i] = first.get("next_batch").string_or("");
      finished();
    });
  });
  for (std::size_t i = 0; i < devices_.size(); ++i) wait(i);
  // Until the requests have arrived, for which there is no sign from outside.
  if (!devices_.empty()) loop.run_to(Clock::now() + std::chrono::seconds(1));
}

void Bystanders::wait(std::size_t i) {
  devices_[i]->sync(since_[i], long_poll_ms, [this, i](json::Value news) {
    since_[i] = news.get("next_batch").string_or("");
    wait(i);
  });
}

}  // namespace gims::bench
