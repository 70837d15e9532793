#include "hsm/pkcs11/server.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "base/log.hpp"
#include "base/wipe.hpp"
#include "hsm/pkcs11/dispatch.hpp"
#include "hsm/proto/listener.hpp"
#include "sys/errno.hpp"
#include "sys/message.hpp"
#include "sys/socket.hpp"

namespace gims::hsm::pkcs11 {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds pause{100};

pollfd wait_on(int fd) { return {.fd = fd, .events = POLLIN, .revents = 0}; }

int timeout_of(std::optional<std::chrono::milliseconds> wait) {
  return wait ? static_cast<int>(std::max<std::int64_t>(wait->count(), 0)) : -1;
}

}  // namespace

Result<Server> Server::listen(const std::string& path, uid_t peer,
                              std::chrono::milliseconds call_limit) {
  GIMS_TRY_ASSIGN(sys::Fd listener, listen_for_frames(path));
  GIMS_TRY_ASSIGN(SecretBytes request, SecretBytes::zeroed(max_frame_size));
  GIMS_TRY_ASSIGN(SecretBytes reply, SecretBytes::zeroed(max_frame_size));
  return Server(std::move(listener), peer, call_limit, std::move(request), std::move(reply));
}

Result<> Server::run(Vault& vault, Worker& worker, const sys::SignalFd& signals,
                     sys::Watchdog& watchdog) {
  sys::Watchdog::Pulse& pulse = watchdog.add_loop([] {});
  bool accepting = true;
  bool stopping = false;
  std::vector<pollfd> waits;
  std::vector<bool> readable;
  while (!stopping || call_) {
    std::optional<std::chrono::milliseconds> wait = watchdog.period();
    const auto at_most = [&](std::chrono::milliseconds limit) {
      wait = std::min(wait.value_or(limit), limit);
    };
    if (!accepting) at_most(pause);
    if (call_) {
      at_most(std::chrono::ceil<std::chrono::milliseconds>(call_->deadline - SteadyClock::now()));
    }
    // While a request is under way the others wait in their sockets, and newcomers at the listener:
    // who has left meanwhile is not seen before.
    const bool takes_more = !call_ && !stopping;
    waits.assign({wait_on(stopping ? -1 : signals.fd()), wait_on(worker.fd()),
                  wait_on(accepting && takes_more ? listener_.get() : -1)});
    for (const sys::Fd& peer : peers_) waits.push_back(wait_on(takes_more ? peer.get() : -1));
    if (::poll(waits.data(), waits.size(), timeout_of(wait)) < 0 && errno != EINTR) {
      return sys::fail_errno("poll");
    }
    pulse.beat();
    if (watchdog.period()) watchdog.tick();
    if (waits[0].revents != 0 && signals.stop_asked()) stopping = true;
    if (call_ && worker.has_ended()) finish_call();
    if (call_ && SteadyClock::now() >= call_->deadline) end_hung_process();
    readable.clear();
    for (std::size_t i = 3; i < waits.size(); ++i) readable.push_back(waits[i].revents != 0);
    if (takes_more && !stopping) serve_next(vault, worker, readable);
    if (takes_more && !call_ && !stopping) {
      accepting = (accepting && waits[2].revents == 0) ||
                  take_new_peer(listener_, [this](sys::Fd socket) { welcome(std::move(socket)); });
    }
  }
  return {};
}

void Server::welcome(sys::Fd socket) {
  const auto credentials = sys::peer_credentials(socket.get());
  if (!credentials) return;
  Refusal refusal;
  if (credentials->uid != peer_) {
    refusal = {.code = RefusalCode::not_for_this_peer,
               .text = "The user of this process has no part here."};
  } else if (peers_.size() >= most_peers) {
    refusal = {.code = RefusalCode::busy, .text = "This user has too many connections."};
  } else {
    peers_.push_back(std::move(socket));
    return;
  }
  log::warning(log::id::peer_refused, "refused a connection",
               {{"UID", std::to_string(credentials->uid)}, {"ERROR", refusal.text}});
  turn_away(socket, Operation::vault_info, refusal);
}

void Server::serve_next(Vault& vault, Worker& worker, const std::vector<bool>& readable) {
  // Only those that were waited for; later ones have come since.
  std::vector<std::size_t> gone;
  for (std::size_t i = 0; i < readable.size() && !call_; ++i) {
    const std::size_t place = (turn_ + i) % readable.size();
    if (!readable[place]) continue;
    const sys::Fd& peer = peers_[place];
    const auto size = take_request(peer, Operation::vault_info, request_.writable());
    if (!size) gone.push_back(place);
    if (!size || *size == 0) continue;
    turn_ = place + 1;
    call_ = Call{.peer = place,
                 .request_size = *size,
                 .frame = {},
                 .hang_up = false,
                 .deadline = SteadyClock::now() + call_limit_};
    worker.run([this, &vault, size = *size] {
      const Answer made = answer(vault, request_.bytes().first(size), reply_.writable());
      call_->frame = made.frame;
      call_->hang_up = made.hang_up;
    });
  }
  std::ranges::sort(gone, std::greater{});
  for (const std::size_t place : gone) {
    if (call_ && place < call_->peer) --call_->peer;
    drop(place);
  }
}

void Server::finish_call() {
  const auto sent = sys::send_message(peers_[call_->peer].get(), call_->frame);
  if (!sent) {
    log::failure(log::id::answer_not_taken, "a peer did not take its answer", sent.error());
  }
  wipe(request_.writable().first(call_->request_size));
  wipe(reply_.writable().first(call_->frame.size()));
  if (!sent || call_->hang_up) drop(call_->peer);
  call_.reset();
}

void Server::drop(std::size_t peer) {
  peers_.erase(peers_.begin() + static_cast<std::ptrdiff_t>(peer));
}

}  // namespace gims::hsm::pkcs11
