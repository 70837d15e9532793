// One room with many devices in it, all of which wait in a long poll.
#pragma once

#include <string>
#include <vector>

#include "bench/load/scenario.hpp"

namespace gims::bench {

class Crowd {
 public:
  // context.clients members beside the one who made the room; all joined and with a first sync
  // behind them. None waits yet.
  explicit Crowd(Context& context);

  // Every device begins a long poll.
  void wait();
  // One message; returns when all who waited have it. Then they do not wait.
  void send_to_all();
  [[nodiscard]] Samples& arrivals() noexcept { return arrivals_; }
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }

 private:
  void poll(std::size_t member);

  Context& context_;
  Devices members_;
  std::unique_ptr<Device> owner_;
  std::string room_;
  std::vector<std::string> since_;
  std::string label_;
  Time sent_;
  std::uint64_t messages_ = 0;
  std::size_t have_ = 0;
  Samples arrivals_;
};

}  // namespace gims::bench
