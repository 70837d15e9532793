#include "tls/acceptor.hpp"

#include "base/log.hpp"

namespace gims::tls {
namespace {

constexpr int backlog = 1024;
// Connections taken from one listener before the others get their turn.
constexpr int accepted_a_turn = 64;
// Until there may be descriptors or memory again.
constexpr std::chrono::milliseconds pause_time{200};
// Until those that gave way are closed, which the loops that have them do at once.
constexpr std::chrono::milliseconds crowded_time{2};

}  // namespace

Result<std::unique_ptr<Acceptor>> Acceptor::create(std::vector<Listener> listeners,
                                                   AddressLimits& connections,
                                                   AddressLimits& handshakes,
                                                   std::function<void(Arrival)> give) {
  GIMS_TRY_ASSIGN(auto parts, make_parts());
  return std::unique_ptr<Acceptor>(new Acceptor(std::move(parts), std::move(listeners), connections,
                                                handshakes, std::move(give)));
}

Acceptor::~Acceptor() { join(); }

Result<> Acceptor::listen() {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (auto listening = sys::listen_on(listeners_[i].fd.get(), backlog); !listening) {
      // Two programs may bind a port that neither listens on yet (SO_REUSEADDR): the second is told
      // here.
      return fail(ErrorKind::conflict, listening.error().code,
                  "Another program listens on the port.",
                  "port " + std::to_string(listeners_[i].port));
    }
    GIMS_TRY(epoll().add(listeners_[i].fd.get(), EPOLLIN, i));
  }
  return {};
}

void Acceptor::on_event(std::uint64_t data, std::uint32_t /*events*/) {
  if (resume_at_) return;
  const Listener& listener = listeners_[data];
  for (int i = 0; i < accepted_a_turn; ++i) {
    if (handshakes_.crowded() || connections_.crowded()) return pause(crowded_time);
    auto connection = sys::tcp_accept(listener.fd.get());
    if (!connection) return out_of_means(connection.error());
    if (!*connection) return;
    admit(**std::move(connection), listener.door);
  }
}

void Acceptor::admit(sys::TcpConnection connection, sys::Door door) {
  const int socket = connection.fd.get();
  if (auto handshake_slot = handshakes_.take(connection.peer.ip, socket)) {
    if (auto connection_slot = connections_.take(connection.peer.ip, socket)) {
      return give_(Arrival{.socket = std::move(connection.fd),
                           .peer = connection.peer,
                           .door = door,
                           .connection_slot = *std::move(connection_slot),
                           .handshake_slot = std::move(handshake_slot)});
    }
  }
  refused_.fetch_add(1, std::memory_order_relaxed);
}

void Acceptor::out_of_means(const Error& error) {
  if (told_.due(now())) {
    log::failure(log::id::accept_failed, "No more connections can be accepted for now.", error);
  }
  pause(pause_time);
}

void Acceptor::pause(std::chrono::milliseconds time) {
  for (const Listener& listener : listeners_) static_cast<void>(epoll().remove(listener.fd.get()));
  resume_at_ = now() + time;
}

void Acceptor::resume() {
  resume_at_.reset();
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (auto added = epoll().add(listeners_[i].fd.get(), EPOLLIN, i); !added)
      return out_of_means(added.error());
  }
}

bool Acceptor::end_turn() {
  if (resume_at_ && *resume_at_ <= now()) resume();
  return !stopping();
}

std::optional<std::chrono::milliseconds> Acceptor::longest_wait() {
  if (!resume_at_) return std::nullopt;
  return wait_until(*resume_at_, std::chrono::steady_clock::now());
}

}  // namespace gims::tls
