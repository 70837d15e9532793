#include "bench/load/senders.hpp"

#include <utility>

namespace gims::bench {

std::vector<Sender> make_senders(Loop& loop, const Target& target,
                                 const std::vector<Account>& accounts, std::size_t count) {
  auto devices = make_devices(loop, target, accounts, count);
  std::vector<Sender> senders;
  for (auto& device : devices) senders.push_back({.device = std::move(device), .room = {}});
  for_each_index(loop, senders.size(), 16, "rooms", [&](std::size_t i, Finished finished) {
    create_room(*senders[i].device, R"({"preset":"private_chat"})",
                [&senders, i, finished = std::move(finished)](std::string room) {
                  senders[i].room = std::move(room);
                  finished();
                });
  });
  return senders;
}

std::vector<Sender> make_senders(Context& context) {
  return make_senders(context.loop, context.target, context.accounts, context.clients);
}

}  // namespace gims::bench
