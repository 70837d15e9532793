// The threads that make handshakes.
#pragma once

#include <functional>
#include <list>
#include <optional>

#include "sys/handover.hpp"
#include "sys/socket.hpp"
#include "tls/address_limits.hpp"
#include "tls/inbox.hpp"
#include "tls/leaf_keeper.hpp"
#include "tls/loop_thread.hpp"
#include "tls/session.hpp"

namespace gims::tls {

// A TCP connection that was accepted, with its places within the limits. In this order: the places
// go before the socket does.
struct Arrival {
  sys::Fd socket;
  sys::SocketAddress peer;
  sys::Door door = sys::Door::client;
  AddressLimits::Slot connection_slot;
  std::optional<AddressLimits::Slot> handshake_slot;  // until the handshake is complete
  [[nodiscard]] bool evicted() const noexcept {
    return connection_slot.evicted() || (handshake_slot && handshake_slot->evicted());
  }
};
// As above.
struct Completed {
  std::unique_ptr<Session> session;
  sys::SocketAddress peer;
  sys::Door door = sys::Door::client;
  AddressLimits::Slot slot;
};

// One thread with the handshakes given to it: a thread computes, and never waits for one client. A
// handshake that is not complete within the deadline is closed, so a slow client costs a descriptor
// and, from its first byte on, the memory of a session; so is one that gave way to a newcomer
// (AddressLimits). While no valid leaf is there, connections are closed.
class HandshakeLoop final : public LoopThread {
 public:
  // `completed` is called on the loop's thread and must not wait. The keeper outlives the loop.
  [[nodiscard]] static Result<std::unique_ptr<HandshakeLoop>> create(
      const LeafKeeper& keeper, std::chrono::milliseconds deadline, Session::Carrier carrier,
      std::function<void(Completed)> completed);
  HandshakeLoop(const HandshakeLoop&) = delete;
  HandshakeLoop& operator=(const HandshakeLoop&) = delete;
  ~HandshakeLoop() override;

  // Any thread. How many there can be is bounded by the slots.
  void add(Arrival arrival);

 private:
  struct Pending {
    explicit Pending(Arrival&& from) : arrival(std::move(from)) {}
    [[nodiscard]] int fd() const noexcept { return session ? session->fd() : arrival.socket.get(); }
    std::unique_ptr<Session> session;  // from the first byte on; then it has the socket
    Arrival arrival;
    std::chrono::steady_clock::time_point deadline;
    std::list<Pending>::iterator place;
    bool dead = false;
  };

  HandshakeLoop(Parts parts, const LeafKeeper& keeper, std::chrono::milliseconds deadline,
                Session::Carrier carrier, std::function<void(Completed)> completed)
      : LoopThread(std::move(parts)),
        keeper_(keeper),
        deadline_(deadline),
        carrier_(carrier),
        completed_(std::move(completed)) {}
  std::optional<std::chrono::milliseconds> longest_wait() override;
  void on_event(std::uint64_t data, std::uint32_t events) override;
  void on_wake() override;
  bool end_turn() override;
  bool begin(Pending& pending);
  void complete(Pending& pending);
  void unwatch(Pending& pending);
  void close(Pending& pending);

  const LeafKeeper& keeper_;
  const std::chrono::milliseconds deadline_;
  const Session::Carrier carrier_;
  const std::function<void(Completed)> completed_;
  Inbox<Arrival> inbox_;
  std::list<Pending> pending_;  // in the order of their deadlines
  std::list<Pending> dead_;     // until the end of the turn
};

}  // namespace gims::tls
