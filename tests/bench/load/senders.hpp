// Devices that each have a room of their own.
#pragma once

#include <string>
#include <vector>

#include "bench/load/scenario.hpp"

namespace gims::bench {

struct Sender {
  std::unique_ptr<Device> device;
  std::string room;
};
// `count` of them, connected, each in a new room, with the first accounts.
[[nodiscard]] std::vector<Sender> make_senders(Loop& loop, const Target& target,
                                               const std::vector<Account>& accounts,
                                               std::size_t count);
// context.clients of them.
[[nodiscard]] std::vector<Sender> make_senders(Context& context);

[[nodiscard]] inline double seconds_since(Time start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace gims::bench
