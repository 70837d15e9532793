#include "tls/front.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "sys/socket.hpp"
#include "tls/acceptor.hpp"
#include "tls/address_limits.hpp"
#include "tls/handshakes.hpp"
#include "tls/leaf_keeper.hpp"
#include "tls/pump.hpp"

namespace gims::tls {

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
  PumpLoop& least_busy_pump() const;
  void renew_until_stopped();

  const FrontOptions options;
  ConnectionSink& sink;
  LeafKeeper keeper;
  AddressLimits connections;
  AddressLimits handshakes;
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> not_taken{0};
  std::atomic<std::size_t> next_handshake_loop{0};
  // Destroyed from the last to the first: what is given away has a place to go to until then.
  std::vector<std::unique_ptr<PumpLoop>> pump_loops;
  std::vector<std::unique_ptr<HandshakeLoop>> handshake_loops;
  std::unique_ptr<Acceptor> acceptor;
  std::mutex mutex;
  std::condition_variable stop_renewing;
  bool stopping = false;
  bool renew_now = false;
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
  for (std::size_t i = 0; i < options.handshake_threads; ++i) {
    GIMS_TRY_ASSIGN(auto loop,
                    HandshakeLoop::create(keeper, options.handshake_deadline,
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
  const sys::Handover handover{.door = completed.door,
                               .carriage = sys::Carriage::pump,
                               .peer = completed.peer,
                               .tls_version = completed.session->version(),
                               .cipher_suite = completed.session->cipher_suite()};
  auto pair = sys::stream_pair(sys::Blocking::no);
  if (!pair || !sink.deliver(std::move(pair->second), handover)) {
    not_taken.fetch_add(1, std::memory_order_relaxed);
    static_cast<void>(completed.session->close_notify());
    completed.session->finish_sending();
    return;
  }
  delivered.fetch_add(1, std::memory_order_relaxed);
  least_busy_pump().adopt(Pumped{.session = std::move(completed.session),
                                 .plain = std::move(pair->first),
                                 .slot = std::move(completed.slot)});
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
}

Result<> Front::serve() {
  GIMS_TRY(impl_->keeper.obtain_first());
  GIMS_TRY(impl_->acceptor->listen());
  for (const auto& loop : impl_->pump_loops) loop->start("tls-pump");
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
  for (const auto& loop : impl_->pump_loops) loop->join();
  if (impl_->renewer.joinable()) impl_->renewer.join();
}

}  // namespace gims::tls
