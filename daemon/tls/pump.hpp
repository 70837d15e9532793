// Carries bytes between TLS sessions and their plain sockets.
#pragma once

#include <array>
#include <atomic>
#include <list>
#include <vector>

#include "tls/address_limits.hpp"
#include "tls/inbox.hpp"
#include "tls/loop_thread.hpp"
#include "tls/session.hpp"

namespace gims::tls {

struct PumpOptions {
  // Without a byte either way a connection is closed. Longer than a long poll.
  std::chrono::milliseconds idle_timeout{std::chrono::minutes(10)};
  // How long a client may take to end its side once ours has ended.
  std::chrono::milliseconds linger{2000};
  // How long connections may take to end after request_stop().
  std::chrono::milliseconds stop_limit{5000};
};

// A connection whose handshake is done; both descriptors non-blocking.
struct Pumped {
  std::unique_ptr<Session> session;
  sys::Fd plain;
  AddressLimits::Slot slot;
};

// One loop with its connections. A connection that is idle owns no buffer, but for mbedTLS's two
// where it is one of TLS 1.2; bytes that cannot go on are kept, at most 16 KiB each way, and until
// they are gone no more are read from where they came. Ends: close_notify from the client becomes a
// half-close of the plain socket and the other way round. TCP ended without close_notify, a reset
// or a bad record closes both sides at once; so does giving way to a newcomer (AddressLimits). When
// the plain side is closed whole, what it sent is still delivered.
class PumpLoop final : public LoopThread {
 public:
  [[nodiscard]] static Result<std::unique_ptr<PumpLoop>> create(const PumpOptions& options);
  PumpLoop(const PumpLoop&) = delete;
  PumpLoop& operator=(const PumpLoop&) = delete;
  ~PumpLoop() override;

  // Any thread. After request_stop() the connection is closed at once.
  void adopt(Pumped connection);
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

 private:
  // Bytes on their way that could not go on.
  struct Pending {
    std::vector<std::uint8_t> bytes;
    std::size_t begin = 0;
    [[nodiscard]] bool empty() const noexcept { return bytes.empty(); }
    [[nodiscard]] std::span<const std::uint8_t> rest() const noexcept {
      return std::span(bytes).subspan(begin);
    }
    void consume(std::size_t count);
  };
  enum class Phase : std::uint8_t { pumping, lingering, dead };
  struct Connection {
    explicit Connection(Pumped&& from)
        : session(std::move(from.session)),
          plain(std::move(from.plain)),
          slot(std::move(from.slot)) {}
    std::unique_ptr<Session> session;
    sys::Fd plain;
    AddressLimits::Slot slot;
    Pending to_plain;
    Pending to_client;
    // What the client may still send after our end; enough for requests that were on their way.
    std::size_t to_discard = std::size_t{1} << 20;
    std::chrono::steady_clock::time_point last;
    std::chrono::steady_clock::time_point told_slot;  // the last slot.spoke()
    std::list<Connection>::iterator place;
    Phase phase = Phase::pumping;
    bool plain_readable = true;  // until it has said that it would block
    bool plain_writable = true;
    bool plain_hung_up = false;  // a short read does not mean that nothing follows
    bool plain_gone = false;     // takes no more bytes
    bool plain_ended = false;    // gives no more bytes
    bool client_ended = false;   // close_notify came
    bool notified = false;       // close_notify went
    bool queued = false;         // in ready_
  };
  enum class Moved : std::uint8_t { nothing, some, failed };

  PumpLoop(Parts parts, const PumpOptions& options)
      : LoopThread(std::move(parts)), options_(options) {}
  std::optional<std::chrono::milliseconds> longest_wait() override;
  void on_event(std::uint64_t data, std::uint32_t events) override;
  void on_wake() override;
  bool end_turn() override;

  void take(Pumped&& pumped);
  void service(Connection& connection);
  // service() in the next turn.
  void queue(Connection& connection);
  // One step of at most a record.
  Moved to_plain(Connection& connection);
  Moved to_client(Connection& connection);
  Moved send_plain(Connection& connection, std::span<const std::uint8_t> bytes, std::size_t& sent);
  Moved send_client(Connection& connection, std::span<const std::uint8_t> bytes, std::size_t& sent);
  Moved end_sending(Connection& connection);
  void linger(Connection& connection);
  // Bytes were moved.
  void note_use(Connection& connection);
  void move_to(Connection& connection, std::list<Connection>& list);
  void close(Connection& connection);
  void close_expired();
  void begin_stop();

  const PumpOptions options_;
  Inbox<Pumped> inbox_;
  std::atomic<std::size_t> size_{0};
  // Each in the order of Connection::last, oldest first.
  std::list<Connection> pumping_;
  std::list<Connection> lingering_;
  // Until the end of the turn, as later events of it may name them.
  std::list<Connection> dead_;
  std::vector<Connection*> ready_;
  std::vector<Connection*> ready_now_;
  std::optional<std::chrono::steady_clock::time_point> stop_at_;
  ReadAhead ahead_;
  std::array<std::uint8_t, 16384> plaintext_;
};

}  // namespace gims::tls
