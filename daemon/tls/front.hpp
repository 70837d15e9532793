// The TLS front as a whole: listens, makes handshakes, hands connections over and, where the kernel
// does not carry their TLS, pumps their bytes.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sys/handover.hpp"
#include "sys/notify.hpp"
#include "tls/connection_sink.hpp"
#include "tls/leaf.hpp"

namespace gims::tls {

struct FrontListener {
  sys::Door door = sys::Door::client;
  std::string address;
  std::uint16_t port = 0;  // 0: the kernel chooses
};

// Whatever is over the limit of its address is closed at once, before it costs a handshake. Over a
// limit in all, one of the address that has the most gives way to it (AddressLimits).
struct FrontOptions {
  std::vector<FrontListener> listeners;
  std::size_t handshake_threads = 2;
  std::size_t pump_threads = 2;
  // The kernel has TLS (sys::kernel_has_tls), and connections whose cipher it takes are to be its:
  // gimsd gets the TCP socket itself.
  bool kernel_tls = false;
  std::size_t connections = 16384;
  std::size_t connections_per_address = 1024;
  std::size_t handshakes = 1024;
  std::size_t handshakes_per_address = 256;
  std::chrono::milliseconds handshake_deadline{10'000};
  std::chrono::milliseconds idle_timeout{std::chrono::minutes(10)};
  std::chrono::milliseconds linger{2000};
  std::chrono::milliseconds stop_limit{5000};
};

struct FrontStatus {
  std::size_t connections = 0;  // accepted and not yet closed
  std::size_t handshakes = 0;   // of these, in their handshake
  std::uint64_t delivered = 0;  // since the start
  std::uint64_t kernel = 0;     // of these, with the kernel's TLS
  std::uint64_t refused = 0;    // over a limit, or not taken by the sink
  std::uint64_t evicted = 0;    // gave way to another
};

// Thread: create, watch, serve and stop by one; the rest by any.
class Front {
 public:
  // Binds every listener, so that it can be done with the privilege that ports below 1024 need, and
  // does not listen yet: clients are refused. Starts no thread. The source, the sink and the clock
  // outlive the front.
  [[nodiscard]] static Result<std::unique_ptr<Front>> create(FrontOptions options,
                                                             LeafSource& source,
                                                             ConnectionSink& sink,
                                                             const Clock& clock);
  // create() and serve().
  [[nodiscard]] static Result<std::unique_ptr<Front>> start(FrontOptions options,
                                                            LeafSource& source,
                                                            ConnectionSink& sink,
                                                            const Clock& clock);
  // stop().
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  // Before serve(): registers every loop. The watchdog outlives the front.
  void watch(sys::Watchdog& watchdog);
  // Obtains the first leaf, listens, starts the threads. Without a leaf nothing listens, and it may
  // be called again. When a port cannot be listened on (conflict) the front is of no more use.
  [[nodiscard]] Result<> serve();
  // Of the listeners, in their order.
  [[nodiscard]] std::vector<std::uint16_t> ports() const;
  [[nodiscard]] FrontStatus status() const;
  // Accepts no more and closes every connection with close_notify, within options.stop_limit.
  // Idempotent.
  void stop();

 private:
  struct Impl;
  explicit Front(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gims::tls
