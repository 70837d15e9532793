#include "bench/load/scenario.hpp"

#include <array>

namespace gims::bench {

std::span<const Scenario> scenarios() {
  static constexpr std::array all{
      Scenario{"sends", sends, 256, 1, 0, "many senders at once, each in a room of its own"},
      Scenario{"sequential", sequential, 256, 1, 0, "one send after the other, by turns"},
      Scenario{"delivery", delivery, 20, 2, 0, "pairs: from the send to the long poll's answer"},
      Scenario{"incremental", incremental, 64, 2, 0, "syncs that bring one message each"},
      Scenario{"fanout", fanout, 1000, 1, 1, "one room; every device waits for every message"},
      Scenario{"waiting", waiting, 1000, 1, 1, "memory of a device in a long poll"},
      Scenario{"handshakes", handshakes, 8, 0, 0, "full TLS handshakes, so many at a time"},
      Scenario{"first-sync", first_sync, 500, 0, 21, "first sync of an account in many rooms"},
      Scenario{"first-sync-cold", first_sync_cold, 500, 0, 21,
               "one more of that account, by a server that was started since"},
      Scenario{"storm", storm, 6500, 1, 40, "all devices reconnect to a night's backlog"},
  };
  return all;
}

}  // namespace gims::bench
