// One libmicrohttpd daemon and the thread that drives it. Internal to http/.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/handle.hpp"
#include "base/result.hpp"
#include "http/farewells.hpp"
#include "http/mailbox.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "http/worker_pool.hpp"
#include "sys/epoll.hpp"

struct MHD_Daemon;
struct MHD_Connection;
// NOLINTNEXTLINE(readability-identifier-naming): the library's own name
extern "C" void MHD_stop_daemon(MHD_Daemon*);

namespace gims::http {

// What the loops of one server share. Lives longer than they do.
struct Shared {
  ServerOptions options;
  Router router;
  std::shared_ptr<const Renderer> renderer;
  WorkerPool pool;
  std::atomic<std::size_t> connections = 0;
};

struct Link;  // a connection as this layer knows it; see connection.hpp
struct RequestSlot;

// Why our own loop and not MHD's: its internal epoll thread waits again, without a time limit,
// whenever exactly 128 events came, and stalls at 256 connections (measured; docs/architecture.md).
class Loop {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Loop>> start(Shared& shared);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();  // as stop()

  // Thread: any.
  [[nodiscard]] const std::shared_ptr<Mailbox>& mailbox() const noexcept { return mailbox_; }
  // Posts Stop and joins. Idempotent.
  void stop();

 private:
  friend struct MhdCallbacks;
  using Steady = std::chrono::steady_clock;

  Loop(Shared& shared, std::shared_ptr<Mailbox> mailbox, sys::Epoll epoll);
  void run();
  [[nodiscard]] std::optional<std::chrono::milliseconds> wait_time(Steady::time_point now) const;
  void handle(Post post);
  void adopt(Adopt adopted);
  void resume(Exchange& exchange);
  void watch(const std::shared_ptr<Exchange>& exchange);
  void unwatch(Exchange& exchange);
  // What a registration's event says.
  void notice(std::uint64_t number, std::uint32_t events);
  void peer_left(Exchange& exchange);
  // A connection begins, and ends: its socket is MHD's and is closed next.
  void hold(Link& link);
  void let_go(Link& link);
  // Ends a connection from this side.
  static void cut(Link& link);
  void tell_use();
  void begin_stop();
  void refuse_waiting(bool (*which)(Exchange&));
  // Shuts connections on which a head or a body trickles in too slowly.
  void sweep(Steady::time_point now);

  Shared& shared_;
  std::shared_ptr<Mailbox> mailbox_;
  sys::Epoll epoll_;
  Handle<MHD_Daemon, MHD_stop_daemon> daemon_;
  std::vector<Post> posts_;
  std::unordered_map<int, Adopt> arriving_;  // by descriptor: adopted, not yet announced by MHD
  std::unordered_map<Link*, std::unique_ptr<Link>> links_;
  std::unordered_map<Exchange*, std::shared_ptr<Exchange>> exchanges_;  // MHD's share of each
  std::unordered_map<std::uint64_t, Exchange*> watched_;
  std::unordered_map<std::uint64_t, Link*> tethered_;
  Farewells farewells_;
  std::uint64_t next_watch_;
  Steady::time_point next_sweep_;
  Steady::time_point stop_deadline_{};
  bool stopping_ = false;
  bool ended_ = false;  // nothing lingers any more
  std::thread thread_;
};

}  // namespace gims::http
