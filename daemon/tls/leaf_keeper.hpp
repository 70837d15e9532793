// Keeps a good leaf at hand.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>

#include "tls/server_context.hpp"

namespace gims::tls {

// Renews the leaf when half of the life that it had as it came is over. When that fails the old one
// is used on for as long as it is valid, and it is tried again after 5 s, 10 s, ... up to 5
// minutes. Where the wall clock jumps over its end, or back to before its beginning (it was made by
// a clock that was ahead, and clients refuse it), it is renewed, too. Sessions keep the context
// that they began with. Thread: current() from any; obtain_first() and tick() from one.
class LeafKeeper {
 public:
  // The source and the clock outlive the keeper.
  LeafKeeper(LeafSource& source, const Clock& clock) : source_(source), clock_(clock) {}

  // The first leaf; fails as the source does. Call before anything else.
  [[nodiscard]] Result<> obtain_first();
  // Called, on any thread, when a handshake met a leaf that the clock has left: tick() is due at
  // once. Set before anything else.
  void at_clock_jump(std::function<void()> called) { at_clock_jump_ = std::move(called); }
  // The context for a new handshake; null when the leaf has expired.
  [[nodiscard]] std::shared_ptr<const ServerContext> current() const;
  // Renews when it is time. Gives how long to wait before the next call.
  std::chrono::milliseconds tick();

  static constexpr std::chrono::seconds first_retry{5};
  static constexpr std::chrono::seconds last_retry{300};

 private:
  Result<> renew();
  [[nodiscard]] std::shared_ptr<const ServerContext> unexpired(Millis now) const;

  LeafSource& source_;
  const Clock& clock_;
  std::shared_ptr<TicketKeys> tickets_;
  std::function<void()> at_clock_jump_;
  Millis renew_at_ = 0;
  std::chrono::milliseconds retry_{0};
  std::chrono::steady_clock::time_point not_before_retry_;
  mutable std::mutex mutex_;
  std::shared_ptr<const ServerContext> context_;
  Millis not_before_ = 0;  // of the leaf
};

}  // namespace gims::tls
