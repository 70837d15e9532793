// The thread that accepts connections.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "base/seldom.hpp"
#include "tls/handshakes.hpp"

namespace gims::tls {

// Takes connections off the listening sockets, closes those over a limit that none of another
// address gives way to, and gives the others away.
class Acceptor final : public LoopThread {
 public:
  struct Listener {
    sys::Fd fd;
    sys::Door door = sys::Door::client;
    std::uint16_t port = 0;
  };

  // `give` is called on the acceptor's thread. The limits outlive it.
  [[nodiscard]] static Result<std::unique_ptr<Acceptor>> create(std::vector<Listener> listeners,
                                                                AddressLimits& connections,
                                                                AddressLimits& handshakes,
                                                                std::function<void(Arrival)> give);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor() override;

  // The sockets begin to listen. Call once, before or after start().
  [[nodiscard]] Result<> listen();
  // They stop: clients are refused by the kernel. Call after join().
  void close_listeners() { listeners_.clear(); }
  [[nodiscard]] const std::vector<Listener>& listeners() const noexcept { return listeners_; }
  [[nodiscard]] std::uint64_t refused() const noexcept {
    return refused_.load(std::memory_order_relaxed);
  }

 private:
  Acceptor(Parts parts, std::vector<Listener> listeners, AddressLimits& connections,
           AddressLimits& handshakes, std::function<void(Arrival)> give)
      : LoopThread(std::move(parts)),
        listeners_(std::move(listeners)),
        connections_(connections),
        handshakes_(handshakes),
        give_(std::move(give)) {}
  std::optional<std::chrono::milliseconds> longest_wait() override;
  void on_event(std::uint64_t data, std::uint32_t events) override;
  void on_wake() override {}
  bool end_turn() override;
  void admit(sys::TcpConnection connection, sys::Door door);
  // Out of descriptors or memory.
  void out_of_means(const Error& error);
  // The waiting connections stay with the kernel until then.
  void pause(std::chrono::milliseconds time);
  void resume();

  std::vector<Listener> listeners_;
  AddressLimits& connections_;
  AddressLimits& handshakes_;
  const std::function<void(Arrival)> give_;
  std::atomic<std::uint64_t> refused_{0};
  std::optional<std::chrono::steady_clock::time_point> resume_at_;
  Seldom told_;
};

}  // namespace gims::tls
