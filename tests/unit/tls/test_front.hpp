// A front with a listener on loopback, and a sink that a test empties.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "tls/front.hpp"
#include "unit/tls/test_leaf.hpp"

namespace gims::tls::test {

// Holds what was delivered until it is taken.
class QueueSink final : public ConnectionSink {
 public:
  struct Delivered {
    sys::Fd connection;
    sys::Fd tether;
    sys::Handover handover;
  };
  Result<> deliver(Delivery&& delivery, const sys::Handover& handover) override;
  // Waits for one; gives up (nothing) after 20 s. The descriptor is made blocking, with the same
  // limit.
  std::optional<Delivered> next();
  std::size_t waiting() const;
  // deliver() fails from now on, or not.
  void refuse(bool refused);

 private:
  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Delivered> queue_;
  bool refused_ = false;
};

// Keys and certificates that are good today.
class FixedLeafSource final : public LeafSource {
 public:
  Result<Leaf> obtain() override { return make_long_leaf(); }
};

FrontOptions loopback_options();

struct TestFront {
  explicit TestFront(FrontOptions options = loopback_options());
  std::uint16_t port() const { return front->ports().at(0); }
  // Waits until the status fits, at most 20 s.
  template <class Fits>
  bool wait_for(Fits fits) const {
    return wait_for_status([&] { return fits(front->status()); });
  }
  static bool wait_for_status(const std::function<bool()>& fits);

  SystemClock clock;
  FixedLeafSource source;
  QueueSink sink;
  std::unique_ptr<Front> front;
};

// Sends all on a blocking socket.
bool send_all(int fd, std::span<const std::uint8_t> bytes);
// A pattern that shows lost, doubled and swapped bytes.
std::vector<std::uint8_t> pattern(std::size_t size);

}  // namespace gims::tls::test
