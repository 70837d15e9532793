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
// context.clients of them, connected, each in a new room.
[[nodiscard]] std::vector<Sender> make_senders(Context& context);

[[nodiscard]] inline double seconds_since(Time start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace gims::bench
