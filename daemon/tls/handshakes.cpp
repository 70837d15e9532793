#include "tls/handshakes.hpp"

namespace gims::tls {

Result<std::unique_ptr<HandshakeLoop>> HandshakeLoop::create(
    const LeafKeeper& keeper, std::chrono::milliseconds deadline, Session::Carrier carrier,
    std::function<void(Completed)> completed) {
  GIMS_TRY_ASSIGN(auto parts, make_parts());
  return std::unique_ptr<HandshakeLoop>(
      new HandshakeLoop(std::move(parts), keeper, deadline, carrier, std::move(completed)));
}

HandshakeLoop::~HandshakeLoop() { join(); }

void HandshakeLoop::add(Arrival arrival) {
  inbox_.put(std::move(arrival));
  wake();
}

void HandshakeLoop::on_wake() {
  for (Arrival& arrival : inbox_.take()) {
    pending_.emplace_back(std::move(arrival));
    Pending& pending = pending_.back();
    pending.place = std::prev(pending_.end());
    pending.deadline = now() + deadline_;
    const auto data = reinterpret_cast<std::uint64_t>(&pending);  // NOLINT
    if (!epoll().add(pending.fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, data)) close(pending);
  }
}

bool HandshakeLoop::begin(Pending& pending) {
  auto context = keeper_.current();
  if (!context) return false;
  auto session = Session::create(std::move(context), std::move(pending.arrival.socket), carrier_);
  if (!session) return false;
  pending.session = *std::move(session);
  return true;
}

void HandshakeLoop::on_event(std::uint64_t data, std::uint32_t events) {
  auto& pending = *reinterpret_cast<Pending*>(data);  // NOLINT
  if (pending.dead) return;
  if (pending.arrival.evicted()) return close(pending);
  if (!pending.session) {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
    if (!begin(pending)) return close(pending);
    pending.arrival.handshake_slot->spoke();
  }
  pending.session->note_events(events);
  switch (pending.session->handshake()) {
    case Session::Step::blocked:
      return;
    case Session::Step::done:
      return complete(pending);
    default:
      return close(pending);
  }
}

void HandshakeLoop::complete(Pending& pending) {
  // The descriptor goes to another loop's epoll.
  unwatch(pending);
  pending.arrival.handshake_slot.reset();
  completed_(Completed{.session = std::move(pending.session),
                       .peer = pending.arrival.peer,
                       .door = pending.arrival.door,
                       .slot = std::move(pending.arrival.connection_slot)});
  close(pending);
}

void HandshakeLoop::unwatch(Pending& pending) {
  if (pending.fd() >= 0) static_cast<void>(epoll().remove(pending.fd()));
}

void HandshakeLoop::close(Pending& pending) {
  pending.dead = true;
  // As in PumpLoop::close().
  unwatch(pending);
  dead_.splice(dead_.end(), pending_, pending.place);
}

bool HandshakeLoop::end_turn() {
  while (!pending_.empty() && pending_.front().deadline <= now()) close(pending_.front());
  dead_.clear();
  return !stopping();
}

std::optional<std::chrono::milliseconds> HandshakeLoop::longest_wait() {
  if (pending_.empty()) return std::nullopt;
  return wait_until(pending_.front().deadline, std::chrono::steady_clock::now());
}

}  // namespace gims::tls
