// What other threads hand to a loop.
#pragma once

#include <mutex>
#include <utility>
#include <vector>

namespace gims::tls {

// Any thread puts; the loop's thread takes all of it, in order. It has no bound of its own: what
// is put holds a place among the connections (address_limits.hpp), and those are bounded.
template <typename T>
class Inbox {
 public:
  void put(T item) {
    const std::scoped_lock lock(mutex_);
    items_.push_back(std::move(item));
  }

  [[nodiscard]] std::vector<T> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(items_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<T> items_;
};

}  // namespace gims::tls
