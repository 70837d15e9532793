#include "tls/pump.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace gims::tls {
namespace {

// A connection with much to move gives way to the others after this many records each way.
constexpr int steps_a_turn = 8;
// How exactly it is known which connection has been idle for the longest time; a lock each time.
constexpr std::chrono::seconds use_is_told_every{10};
constexpr std::uint32_t edges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
// In epoll's data the lowest bit of a connection's address tells its two descriptors apart.
constexpr std::uint64_t plain_bit = 1;

}  // namespace

void PumpLoop::Pending::consume(std::size_t count) {
  begin += count;
  if (begin < bytes.size()) return;
  bytes = {};
  begin = 0;
}

Result<std::unique_ptr<PumpLoop>> PumpLoop::create(const PumpOptions& options) {
  GIMS_TRY_ASSIGN(auto parts, make_parts());
  return std::unique_ptr<PumpLoop>(new PumpLoop(std::move(parts), options));
}

PumpLoop::~PumpLoop() { join(); }

void PumpLoop::adopt(Pumped connection) {
  size_.fetch_add(1, std::memory_order_relaxed);
  inbox_.put(std::move(connection));
  wake();
}

void PumpLoop::on_wake() {
  for (Pumped& pumped : inbox_.take()) take(std::move(pumped));
}

void PumpLoop::take(Pumped&& pumped) {
  pumping_.emplace_back(std::move(pumped));
  Connection& connection = pumping_.back();
  connection.place = std::prev(pumping_.end());
  connection.last = now();
  connection.told_slot = now();
  connection.slot.spoke();
  const auto data = reinterpret_cast<std::uint64_t>(&connection);  // NOLINT
  // Registering tells what is ready already: the first service() follows by that.
  if (!epoll().add(connection.session->fd(), edges, data) ||
      !epoll().add(connection.plain.get(), edges, data | plain_bit)) {
    close(connection);
  }
}

void PumpLoop::on_event(std::uint64_t data, std::uint32_t events) {
  auto& connection = *reinterpret_cast<Connection*>(data & ~plain_bit);  // NOLINT
  if (connection.phase == Phase::dead) return;
  if (connection.slot.evicted()) return close(connection);
  if ((data & plain_bit) == 0) {
    connection.session->note_events(events);
  } else {
    const bool both_ended = (events & (EPOLLHUP | EPOLLERR)) != 0;
    if (both_ended || (events & EPOLLRDHUP) != 0) connection.plain_hung_up = true;
    if (connection.plain_hung_up || (events & EPOLLIN) != 0) connection.plain_readable = true;
    if ((events & EPOLLOUT) != 0) connection.plain_writable = true;
    if (both_ended) connection.plain_gone = true;
  }
  service(connection);
}

void PumpLoop::service(Connection& connection) {
  if (connection.phase == Phase::lingering) return linger(connection);
  bool any = false;
  bool more = true;
  for (int step = 0; more && step < steps_a_turn; ++step) {
    const Moved up = to_plain(connection);
    const Moved down = up == Moved::failed ? Moved::failed : to_client(connection);
    if (down == Moved::failed) {
      ahead_.begin = ahead_.end = 0;
      return close(connection);
    }
    more = up == Moved::some || down == Moved::some;
    any = any || more;
  }
  connection.session->park(ahead_);
  if (connection.notified && connection.client_ended) return close(connection);
  if (connection.notified && connection.plain_gone) {
    connection.phase = Phase::lingering;
    move_to(connection, lingering_);
    static_cast<void>(epoll().remove(connection.plain.get()));
    connection.plain.reset();
    return linger(connection);
  }
  if (any) note_use(connection);
  if (more) queue(connection);
}

void PumpLoop::queue(Connection& connection) {
  if (connection.queued) return;
  connection.queued = true;
  ready_.push_back(&connection);
}

PumpLoop::Moved PumpLoop::send_plain(Connection& connection, std::span<const std::uint8_t> bytes,
                                     std::size_t& sent) {
  sent = 0;
  if (connection.plain_gone) {
    // No one will read them: what the other direction still carries goes on.
    sent = bytes.size();
    return Moved::some;
  }
  if (!connection.plain_writable) return Moved::nothing;
  ssize_t count = -1;
  do {
    count = ::send(connection.plain.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    if (errno == EAGAIN) {
      connection.plain_writable = false;
      return Moved::nothing;
    }
    connection.plain_gone = true;
    sent = bytes.size();
    return Moved::some;
  }
  sent = static_cast<std::size_t>(count);
  if (sent < bytes.size()) connection.plain_writable = false;
  return Moved::some;
}

PumpLoop::Moved PumpLoop::to_plain(Connection& connection) {
  std::size_t sent = 0;
  if (!connection.to_plain.empty()) {
    const Moved moved = send_plain(connection, connection.to_plain.rest(), sent);
    if (moved == Moved::some) connection.to_plain.consume(sent);
    return moved;
  }
  if (connection.client_ended) return Moved::nothing;
  const auto [step, size] = connection.session->read(plaintext_, ahead_);
  switch (step) {
    case Session::Step::blocked:
      return Moved::nothing;
    case Session::Step::failed:
      return Moved::failed;
    case Session::Step::closed:
      connection.client_ended = true;
      ::shutdown(connection.plain.get(), SHUT_WR);
      return Moved::some;
    case Session::Step::done:
      break;
  }
  const std::span<const std::uint8_t> bytes(plaintext_.data(), size);
  if (send_plain(connection, bytes, sent) == Moved::failed) return Moved::failed;
  const auto rest = bytes.subspan(sent);
  connection.to_plain.bytes.assign(rest.begin(), rest.end());
  return Moved::some;
}

PumpLoop::Moved PumpLoop::send_client(Connection& connection, std::span<const std::uint8_t> bytes,
                                      std::size_t& sent) {
  sent = 0;
  while (sent < bytes.size()) {
    const auto [step, size] = connection.session->write(bytes.subspan(sent));
    if (step == Session::Step::blocked) break;
    if (step != Session::Step::done) return Moved::failed;
    sent += size;
  }
  return sent > 0 ? Moved::some : Moved::nothing;
}

PumpLoop::Moved PumpLoop::to_client(Connection& connection) {
  std::size_t sent = 0;
  if (!connection.to_client.empty()) {
    if (!connection.session->writable()) return Moved::nothing;
    const Moved moved = send_client(connection, connection.to_client.rest(), sent);
    if (moved == Moved::some) connection.to_client.consume(sent);
    return moved;
  }
  if (connection.plain_ended) return end_sending(connection);
  if (!connection.plain_readable) return Moved::nothing;
  const ssize_t got = ::recv(connection.plain.get(), plaintext_.data(), plaintext_.size(), 0);
  if (got < 0 && errno == EINTR) return Moved::some;
  if (got < 0 && errno == EAGAIN) {
    connection.plain_readable = false;
    return Moved::nothing;
  }
  if (got <= 0) {
    // An error is the other side's close with bytes unread (unix(7)): no more comes either.
    connection.plain_ended = true;
    return end_sending(connection);
  }
  const std::span<const std::uint8_t> bytes(plaintext_.data(), static_cast<std::size_t>(got));
  if (bytes.size() < plaintext_.size() && !connection.plain_hung_up) {
    connection.plain_readable = false;
  }
  if (send_client(connection, bytes, sent) == Moved::failed) return Moved::failed;
  const auto rest = bytes.subspan(sent);
  connection.to_client.bytes.assign(rest.begin(), rest.end());
  return Moved::some;
}

PumpLoop::Moved PumpLoop::end_sending(Connection& connection) {
  if (connection.notified) return Moved::nothing;
  switch (connection.session->close_notify()) {
    case Session::Step::done:
      connection.notified = true;
      connection.session->finish_sending();
      return Moved::some;
    case Session::Step::blocked:
      return Moved::nothing;
    default:
      return Moved::failed;
  }
}

// Closing a socket with unread bytes resets the connection, and the reset can overtake the answer
// on its way to the client. So the client's bytes are read for a while and thrown away.
void PumpLoop::linger(Connection& connection) {
  if (connection.session->discard(ahead_, connection.to_discard) != Session::Step::blocked)
    close(connection);
}

void PumpLoop::note_use(Connection& connection) {
  move_to(connection, pumping_);
  if (now() - connection.told_slot < use_is_told_every) return;
  connection.told_slot = now();
  connection.slot.spoke();
}

void PumpLoop::move_to(Connection& connection, std::list<Connection>& list) {
  std::list<Connection>& from = connection.phase == Phase::lingering ? pumping_ : list;
  list.splice(list.end(), from, connection.place);
  connection.last = now();
}

void PumpLoop::close(Connection& connection) {
  std::list<Connection>& from = connection.phase == Phase::lingering ? lingering_ : pumping_;
  connection.phase = Phase::dead;
  // Closing alone does not end the watch while another process has the description open, as a
  // child has between fork and exec; its events would name a connection that is gone.
  static_cast<void>(epoll().remove(connection.session->fd()));
  if (connection.plain) static_cast<void>(epoll().remove(connection.plain.get()));
  dead_.splice(dead_.end(), from, connection.place);
  size_.fetch_sub(1, std::memory_order_relaxed);
}

void PumpLoop::close_expired() {
  while (!pumping_.empty() && pumping_.front().last + options_.idle_timeout <= now()) {
    Connection& connection = pumping_.front();
    // Within a record that could not be sent whole there is no place for another.
    if (connection.to_client.empty()) static_cast<void>(connection.session->close_notify());
    close(connection);
  }
  while (!lingering_.empty() && lingering_.front().last + options_.linger <= now()) {
    close(lingering_.front());
  }
}

void PumpLoop::begin_stop() {
  stop_at_ = now() + options_.stop_limit;
  for (Connection& connection : pumping_) {
    connection.plain_ended = true;
    connection.plain_gone = true;
    queue(connection);
  }
}

bool PumpLoop::end_turn() {
  ready_now_.swap(ready_);
  for (Connection* connection : ready_now_) {
    connection->queued = false;
    if (connection->phase != Phase::dead) service(*connection);
  }
  ready_now_.clear();
  if (stopping() && !stop_at_) {
    on_wake();
    begin_stop();
  }
  close_expired();
  if (!dead_.empty()) {
    std::erase_if(ready_, [](const Connection* c) { return c->phase == Phase::dead; });
    dead_.clear();
  }
  if (!stop_at_) return true;
  return !(pumping_.empty() && lingering_.empty()) && now() < *stop_at_;
}

std::optional<std::chrono::milliseconds> PumpLoop::longest_wait() {
  if (!ready_.empty()) return std::chrono::milliseconds(0);
  std::optional<std::chrono::steady_clock::time_point> first = stop_at_;
  const auto note = [&](std::chrono::steady_clock::time_point when) {
    if (!first || when < *first) first = when;
  };
  if (!pumping_.empty()) note(pumping_.front().last + options_.idle_timeout);
  if (!lingering_.empty()) note(lingering_.front().last + options_.linger);
  if (!first) return std::nullopt;
  return wait_until(*first, std::chrono::steady_clock::now());
}

}  // namespace gims::tls
