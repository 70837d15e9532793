#include "tls/tethers.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace gims::tls {

Result<std::unique_ptr<TetherLoop>> TetherLoop::create(std::chrono::milliseconds stop_limit) {
  GIMS_TRY_ASSIGN(auto parts, make_parts());
  return std::unique_ptr<TetherLoop>(new TetherLoop(std::move(parts), stop_limit));
}

TetherLoop::~TetherLoop() { join(); }

void TetherLoop::adopt(Tethered tethered) {
  inbox_.put(std::move(tethered));
  wake();
}

void TetherLoop::on_wake() {
  for (Tethered& tethered : inbox_.take()) {
    held_.emplace_back(std::move(tethered));
    Held& held = held_.back();
    held.place = std::prev(held_.end());
    held.tethered.slot.spoke();
    const auto data = reinterpret_cast<std::uint64_t>(&held);  // NOLINT
    if (!epoll().add(held.tethered.tether.get(), EPOLLIN, data)) close(held);
    if (stop_at_) ::shutdown(held.tethered.tether.get(), SHUT_WR);
  }
}

void TetherLoop::on_event(std::uint64_t data, std::uint32_t /*events*/) {
  auto& held = *reinterpret_cast<Held*>(data);  // NOLINT
  if (held.dead) return;
  if (held.tethered.slot.evicted()) return close(held);
  std::array<char, 16> told{};
  const ssize_t got = ::recv(held.tethered.tether.get(), told.data(), told.size(), 0);
  if (got > 0) return held.tethered.slot.spoke();
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  close(held);
}

void TetherLoop::close(Held& held) {
  held.dead = true;
  // As in PumpLoop::close().
  static_cast<void>(epoll().remove(held.tethered.tether.get()));
  dead_.splice(dead_.end(), held_, held.place);
}

bool TetherLoop::end_turn() {
  if (stopping() && !stop_at_) {
    stop_at_ = now() + stop_limit_;
    on_wake();
    for (const Held& held : held_) ::shutdown(held.tethered.tether.get(), SHUT_WR);
  }
  dead_.clear();
  return !stop_at_ || (!held_.empty() && now() < *stop_at_);
}

std::optional<std::chrono::milliseconds> TetherLoop::longest_wait() {
  if (!stop_at_) return std::nullopt;
  return wait_until(*stop_at_, std::chrono::steady_clock::now());
}

}  // namespace gims::tls
