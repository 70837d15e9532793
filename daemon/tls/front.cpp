#include "tls/front.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.hpp"
#include "base/seldom.hpp"
#include "sys/socket.hpp"
#include "tls/acceptor.hpp"
#include "tls/address_limits.hpp"
#include "tls/handshakes.hpp"
#include "tls/leaf_keeper.hpp"
#include "tls/pump.hpp"
#include "tls/tethers.hpp"

namespace gims::tls {
namespace {

sys::Handover handover_of(const Completed& completed, sys::Carriage carriage) {
  return {.door = completed.door,
          .carriage = carriage,
          .peer = completed.peer,
          .tls_version = completed.session->version(),
          .cipher_suite = completed.session->cipher_suite()};
}

}  // namespace

struct Front::Impl {
  Impl(FrontOptions given, LeafSource& source, ConnectionSink& to, const Clock& clock)
      : options(std::move(given)),
        sink(to),
        keeper(source, clock),
        connections(options.connections, options.connections_per_address),
        handshakes(options.handshakes, options.handshakes_per_address) {
    keeper.at_clock_jump([this] {
      {
        const std::scoped_lock lock(mutex);
        renew_now = true;
      }
      stop_renewing.notify_all();
    });
  }

  Result<> bind();
  Result<> make_loops(std::vector<Acceptor::Listener> listeners);
  void hand_over(Completed completed);
  // False: the connection is as it was, for the pump.
  bool hand_over_whole(Completed& completed);
  void pump(Completed completed);
  // The sink did not take it.
  void note_not_taken();
  void note_refused_by_kernel();
  PumpLoop& least_busy_pump() const;
  void renew_until_stopped();

  const FrontOptions options;
  ConnectionSink& sink;
  LeafKeeper keeper;
  AddressLimits connections;
  AddressLimits handshakes;
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> given_whole{0};
  std::atomic<std::uint64_t> not_taken{0};
  std::atomic<std::size_t> next_handshake_loop{0};
  // Destroyed from the last to the first: what is given away has a place to go to until then.
  std::vector<std::unique_ptr<PumpLoop>> pump_loops;
  std::unique_ptr<TetherLoop> tether_loop;  // with options.kernel_tls
  std::vector<std::unique_ptr<HandshakeLoop>> handshake_loops;
  std::unique_ptr<Acceptor> acceptor;
  std::mutex mutex;
  std::condition_variable stop_renewing;
  bool stopping = false;
  bool renew_now = false;
  Seldom told;  // under the mutex
  std::thread renewer;
};

Result<> Front::Impl::bind() {
  std::vector<Acceptor::Listener> listeners;
  for (const FrontListener& listener : options.listeners) {
    GIMS_TRY_ASSIGN(auto bound,
                    sys::tcp_listen(listener.address, listener.port, {.listen = false}));
    listeners.push_back({.fd = std::move(bound.fd), .door = listener.door, .port = bound.port});
  }
  return make_loops(std::move(listeners));
}

Result<> Front::Impl::make_loops(std::vector<Acceptor::Listener> listeners) {
  const PumpOptions pump{.idle_timeout = options.idle_timeout,
                         .linger = options.linger,
                         .stop_limit = options.stop_limit};
  for (std::size_t i = 0; i < options.pump_threads; ++i) {
    GIMS_TRY_ASSIGN(auto loop, PumpLoop::create(pump));
    pump_loops.push_back(std::move(loop));
  }
  if (options.kernel_tls) {
    GIMS_TRY_ASSIGN(tether_loop, TetherLoop::create(options.stop_limit));
  }
  const auto carrier = options.kernel_tls ? Session::Carrier::kernel : Session::Carrier::session;
  for (std::size_t i = 0; i < options.handshake_threads; ++i) {
    GIMS_TRY_ASSIGN(auto loop,
                    HandshakeLoop::create(keeper, options.handshake_deadline, carrier,
                                          [this](Completed done) { hand_over(std::move(done)); }));
    handshake_loops.push_back(std::move(loop));
  }
  GIMS_TRY_ASSIGN(
      acceptor,
      Acceptor::create(std::move(listeners), connections, handshakes, [this](Arrival arrival) {
        const std::size_t turn = next_handshake_loop++;
        handshake_loops[turn % handshake_loops.size()]->add(std::move(arrival));
      }));
  return {};
}

PumpLoop& Front::Impl::least_busy_pump() const {
  return **std::ranges::min_element(pump_loops, {}, [](const auto& loop) { return loop->size(); });
}

void Front::Impl::hand_over(Completed completed) {
  if (options.kernel_tls && hand_over_whole(completed)) return;
  pump(std::move(completed));
}

bool Front::Impl::hand_over_whole(Completed& completed) {
  auto tether = sys::stream_pair(sys::Blocking::no);
  if (!tether) return false;
  switch (completed.session->move_to_kernel()) {
    case sys::KernelTls::refused:
      note_refused_by_kernel();
      return false;
    case sys::KernelTls::broken:
      note_refused_by_kernel();
      note_not_taken();
      return true;
    case sys::KernelTls::installed:
      break;
  }
  const auto handover = handover_of(completed, sys::Carriage::ktls);
  completed.slot.moved_to(tether->first.get());
  Delivery delivery{.connection = completed.session->release_socket(),
                    .tether = std::move(tether->second)};
  if (!sink.deliver(std::move(delivery), handover)) {
    note_not_taken();
    sys::send_close_notify(delivery.connection.get());
  } else {
    delivered.fetch_add(1, std::memory_order_relaxed);
    given_whole.fetch_add(1, std::memory_order_relaxed);
  }
  // Where gimsd did not get it, its end is closed with this call, and the place is given back.
  tether_loop->adopt({.tether = std::move(tether->first), .slot = std::move(completed.slot)});
  return true;
}

void Front::Impl::pump(Completed completed) {
  const auto handover = handover_of(completed, sys::Carriage::pump);
  auto pair = sys::stream_pair(sys::Blocking::no);
  if (!pair || !sink.deliver({.connection = std::move(pair->second), .tether = {}}, handover)) {
    note_not_taken();
    static_cast<void>(completed.session->close_notify());
    completed.session->finish_sending();
    return;
  }
  delivered.fetch_add(1, std::memory_order_relaxed);
  least_busy_pump().adopt(Pumped{.session = std::move(completed.session),
                                 .plain = std::move(pair->first),
                                 .slot = std::move(completed.slot)});
}

void Front::Impl::note_not_taken() { not_taken.fetch_add(1, std::memory_order_relaxed); }

void Front::Impl::note_refused_by_kernel() {
  const std::scoped_lock lock(mutex);
  if (!told.due(std::chrono::steady_clock::now())) return;
  log::warning(log::id::kernel_tls_refused,
               "The kernel did not take the keys of a connection: such are carried without it.");
}

void Front::Impl::renew_until_stopped() {
  std::unique_lock lock(mutex);
  while (!stopping) {
    lock.unlock();
    const auto wait = keeper.tick();
    lock.lock();
    stop_renewing.wait_for(lock, wait, [this] { return stopping || renew_now; });
    renew_now = false;
  }
}

Front::Front(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Front::~Front() { stop(); }

Result<std::unique_ptr<Front>> Front::create(FrontOptions options, LeafSource& source,
                                             ConnectionSink& sink, const Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(options), source, sink, clock);
  GIMS_TRY(impl->bind());
  return std::unique_ptr<Front>(new Front(std::move(impl)));
}

Result<std::unique_ptr<Front>> Front::start(FrontOptions options, LeafSource& source,
                                            ConnectionSink& sink, const Clock& clock) {
  GIMS_TRY_ASSIGN(auto front, create(std::move(options), source, sink, clock));
  GIMS_TRY(front->serve());
  return front;
}

void Front::watch(sys::Watchdog& watchdog) {
  impl_->acceptor->watch(watchdog);
  for (const auto& loop : impl_->handshake_loops) loop->watch(watchdog);
  for (const auto& loop : impl_->pump_loops) loop->watch(watchdog);
  if (impl_->tether_loop) impl_->tether_loop->watch(watchdog);
}

Result<> Front::serve() {
  GIMS_TRY(impl_->keeper.obtain_first());
  GIMS_TRY(impl_->acceptor->listen());
  for (const auto& loop : impl_->pump_loops) loop->start("tls-pump");
  if (impl_->tether_loop) impl_->tether_loop->start("tls-tethers");
  for (const auto& loop : impl_->handshake_loops) loop->start("tls-handshake");
  impl_->acceptor->start("tls-accept");
  impl_->renewer = std::thread([impl = impl_.get()] { impl->renew_until_stopped(); });
  return {};
}

std::vector<std::uint16_t> Front::ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& listener : impl_->acceptor->listeners()) ports.push_back(listener.port);
  return ports;
}

FrontStatus Front::status() const {
  return {.connections = impl_->connections.taken(),
          .handshakes = impl_->handshakes.taken(),
          .delivered = impl_->delivered.load(std::memory_order_relaxed),
          .kernel = impl_->given_whole.load(std::memory_order_relaxed),
          .refused = impl_->acceptor->refused() + impl_->not_taken.load(std::memory_order_relaxed),
          .evicted = impl_->connections.evicted() + impl_->handshakes.evicted()};
}

void Front::stop() {
  {
    const std::scoped_lock lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->stop_renewing.notify_all();
  impl_->acceptor->join();
  impl_->acceptor->close_listeners();
  for (const auto& loop : impl_->handshake_loops) loop->join();
  for (const auto& loop : impl_->pump_loops) loop->request_stop();
  if (impl_->tether_loop) impl_->tether_loop->join();
  for (const auto& loop : impl_->pump_loops) loop->join();
  if (impl_->renewer.joinable()) impl_->renewer.join();
}

}  // namespace gims::tls
