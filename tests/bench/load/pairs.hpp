// Pairs of devices with a room each: one sends, and the other has it by a long poll.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/senders.hpp"

namespace gims::bench {

// Thread: one, the loop's.
class Pairs {
 public:
  // Takes the first 2 * count accounts of `accounts`. The receivers wait when it returns.
  Pairs(Loop& loop, const Target& target, const std::vector<Account>& accounts, std::size_t count);
  Pairs(const Pairs&) = delete;
  Pairs& operator=(const Pairs&) = delete;
  ~Pairs();

  // Begins a send of the pair whose turn it is. Its times count from `due`, or from now where that
  // is not given: when its sender had been answered.
  void send(const Time* due = nullptr);
  // Until all that was sent is answered and has arrived.
  void settle();

  // From the beginning of a send to its answer, and to the receiver's.
  [[nodiscard]] Samples& sending() noexcept { return sending_; }
  [[nodiscard]] Samples& arrival() noexcept { return arrival_; }
  // Sends whose sender still waited for the answer to the one before.
  [[nodiscard]] std::size_t late() const noexcept { return late_; }
  void forget_times();

 private:
  class Receiver;

  Loop& loop_;
  std::vector<Sender> senders_;
  Devices receiving_;
  std::vector<std::unique_ptr<Receiver>> receivers_;
  std::map<std::string, Time, std::less<>> begun_;  // by label
  std::size_t sent_ = 0;
  std::size_t answered_ = 0;
  std::size_t late_ = 0;
  Samples sending_;
  Samples arrival_;
};

}  // namespace gims::bench
