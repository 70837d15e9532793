// Devices that are connected and wait in long polls while others are measured.
#pragma once

#include <vector>

#include "bench/load/device.hpp"

namespace gims::bench {

// Thread: one, the loop's.
class Bystanders {
 public:
  // All have a first sync behind them and wait when it returns. `number`: of the first, as
  // Connection has it.
  Bystanders(Loop& loop, const Target& target, const std::vector<Account>& accounts,
             std::size_t number);
  Bystanders(const Bystanders&) = delete;
  Bystanders& operator=(const Bystanders&) = delete;
  ~Bystanders() = default;

 private:
  void wait(std::size_t i);

  Devices devices_;
  std::vector<std::string> since_;
};

}  // namespace gims::bench
