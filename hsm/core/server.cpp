#include "hsm/core/server.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "base/wipe.hpp"
#include "hsm/proto/listener.hpp"
#include "sys/errno.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::hsm {
namespace {

constexpr int pause_ms = 100;

// For poll(2): the shortest of what is there, or without end.
int timeout_of(std::initializer_list<std::optional<std::chrono::milliseconds>> waits) {
  std::optional<std::chrono::milliseconds> shortest;
  for (const auto& wait : waits) {
    if (wait && (!shortest || *wait < *shortest)) shortest = wait;
  }
  return shortest ? static_cast<int>(shortest->count()) : -1;
}

pollfd readable(int fd) { return {.fd = fd, .events = POLLIN, .revents = 0}; }

}  // namespace

Result<Server> Server::listen(const std::string& path, RolesOfUsers users) {
  GIMS_TRY_ASSIGN(sys::Fd listener, listen_for_frames(path));
  GIMS_TRY_ASSIGN(SecretBytes request, SecretBytes::zeroed(max_frame_size));
  GIMS_TRY_ASSIGN(SecretBytes reply, SecretBytes::zeroed(max_frame_size));
  return Server(std::move(listener), std::move(users), std::move(request), std::move(reply));
}

Result<> Server::run(Custodian& custodian, const sys::SignalFd& signals, sys::Watchdog& watchdog,
                     const std::function<void()>& at_change) {
  sys::Watchdog::Pulse& pulse = watchdog.add_loop([] {});
  const auto lives = [&] {
    pulse.beat();
    if (watchdog.period()) watchdog.tick();
  };
  bool accepting = true;
  std::string summary = custodian.summary();
  std::vector<pollfd> waits;
  while (true) {
    waits.assign({readable(signals.fd()), readable(accepting ? listener_.get() : -1),
                  readable(accepting && volume_key_ ? volume_key_->fd() : -1)});
    const std::size_t others = waits.size();
    for (const Peer& peer : peers_) waits.push_back(readable(peer.socket.get()));
    const auto until_pause_ends =
        accepting ? std::nullopt : std::optional(std::chrono::milliseconds(pause_ms));
    const int timeout = timeout_of({watchdog.period(), custodian.next_try(), until_pause_ends});
    if (::poll(waits.data(), waits.size(), timeout) < 0 && errno != EINTR) {
      return sys::fail_errno("poll");
    }
    lives();
    if (waits[0].revents != 0 && signals.stop_asked()) return {};

    // One request of each peer a turn, so that a busy one does not starve the others.
    std::size_t kept = 0;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      if (waits[i + others].revents != 0) {
        const bool stays = serve(custodian, peers_[i]);
        // What one request may take is what the watchdog allows, however many peers asked.
        lives();
        if (!stays) continue;
      }
      if (kept != i) peers_[kept] = std::move(peers_[i]);
      ++kept;
    }
    peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(kept), peers_.end());
    custodian.tick();
    if (const std::string now = custodian.summary(); now != summary) {
      summary = now;
      at_change();
    }
    const bool paused = !accepting;
    accepting = (!paused && waits[1].revents == 0) ||
                take_new_peer(listener_, [this](sys::Fd socket) { welcome(std::move(socket)); });
    if (volume_key_ && (paused || waits[2].revents != 0)) {
      accepting = volume_key_->answer_one(custodian) && accepting;
    }
  }
}

void Server::welcome(sys::Fd socket) {
  const auto credentials = sys::peer_credentials(socket.get());
  if (!credentials) return;
  const auto user = users_.find(credentials->uid);
  const auto connections = std::ranges::count(peers_, credentials->uid, &Peer::uid);
  Refusal refusal;
  if (user == users_.end()) {
    refusal = {.code = RefusalCode::not_for_this_peer,
               .text = "The user of this process has no part here."};
  } else if (std::cmp_greater_equal(connections, most_peers)) {
    refusal = {.code = RefusalCode::busy, .text = "This user has too many connections."};
  } else {
    peers_.push_back({.socket = std::move(socket), .uid = credentials->uid, .roles = user->second});
    return;
  }
  log::warning(log::id::peer_refused, "refused a connection",
               {{"UID", std::to_string(credentials->uid)}, {"ERROR", refusal.text}});
  turn_away(socket, Operation::status, refusal);
}

bool Server::serve(Custodian& custodian, const Peer& peer) {
  const auto size = take_request(peer.socket, Operation::status, request_.writable());
  if (!size) return false;
  if (*size == 0) return true;
  const Answer reply =
      answer(custodian, peer.roles, request_.bytes().first(*size), reply_.writable());
  const auto sent = sys::send_message(peer.socket.get(), reply.frame);
  if (!sent) {
    log::failure(log::id::answer_not_taken, "a peer did not take its answer", sent.error());
  }
  wipe(request_.writable().first(*size));
  wipe(reply_.writable().first(reply.frame.size()));
  return sent && !reply.hang_up;
}

}  // namespace gims::hsm
