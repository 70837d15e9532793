#include "bench/load/pool.hpp"

#include <utility>

namespace gims::bench {

Pool::Pool(Loop& loop, const Target& target, std::size_t size) : loop_(loop) {
  for (std::size_t i = 0; i < size; ++i) {
    connections_.push_back(std::make_unique<Connection>(loop, target, i));
    free_.push_back(connections_.back().get());
  }
}

void Pool::for_each(std::size_t count, const std::string& what, const Work& work) {
  for_each_index(loop_, count, connections_.size(), what, [&](std::size_t i, Finished finished) {
    Connection& connection = *free_.back();
    free_.pop_back();
    work(i, connection, [this, &connection, finished = std::move(finished)] {
      free_.push_back(&connection);
      finished();
    });
  });
}

}  // namespace gims::bench
