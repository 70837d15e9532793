// A few connections for many accounts: what is made before the measuring needs no handshake each.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/load/device.hpp"

namespace gims::bench {

// Thread: one, the loop's. As many requests are under way as there are connections.
class Pool {
 public:
  Pool(Loop& loop, const Target& target, std::size_t size = 16);

  using Work = std::function<void(std::size_t index, Connection& by, Finished finished)>;
  // Does `work` for every index; returns when all have called `finished`.
  void for_each(std::size_t count, const std::string& what, const Work& work);

 private:
  Loop& loop_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> free_;
};

}  // namespace gims::bench
