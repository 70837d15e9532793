// The connections that gimsd has whole, as their TLS is the kernel's.
#pragma once

#include <list>

#include "tls/address_limits.hpp"
#include "tls/inbox.hpp"
#include "tls/loop_thread.hpp"

namespace gims::tls {

// Of a connection that gimsd has; non-blocking. The place goes before the socket does.
struct Tethered {
  sys::Fd tether;
  AddressLimits::Slot slot;
};

// Keeps the places of such connections for as long as gimsd has them: their tethers
// (sys/handover.hpp) end with them, and say which of them are in use. A place that is given to a
// newcomer shuts the tether, and so does the end of this process: gimsd then closes the connection.
class TetherLoop final : public LoopThread {
 public:
  // How long connections may take to end after request_stop().
  [[nodiscard]] static Result<std::unique_ptr<TetherLoop>> create(
      std::chrono::milliseconds stop_limit);
  TetherLoop(const TetherLoop&) = delete;
  TetherLoop& operator=(const TetherLoop&) = delete;
  ~TetherLoop() override;

  // Any thread. `tether` is the socket that the slot shuts. After request_stop() the connection
  // is ended.
  void adopt(Tethered tethered);

 private:
  struct Held {
    explicit Held(Tethered&& from) : tethered(std::move(from)) {}
    Tethered tethered;
    std::list<Held>::iterator place;
    bool dead = false;
  };
  TetherLoop(Parts parts, std::chrono::milliseconds stop_limit)
      : LoopThread(std::move(parts)), stop_limit_(stop_limit) {}
  std::optional<std::chrono::milliseconds> longest_wait() override;
  void on_event(std::uint64_t data, std::uint32_t events) override;
  void on_wake() override;
  bool end_turn() override;
  void close(Held& held);

  const std::chrono::milliseconds stop_limit_;
  Inbox<Tethered> inbox_;
  std::list<Held> held_;
  std::list<Held> dead_;  // until the end of the turn, as later events of it may name them
  std::optional<std::chrono::steady_clock::time_point> stop_at_;
};

}  // namespace gims::tls
