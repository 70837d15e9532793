#include "http/accept_loop.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "sys/event_fd.hpp"

namespace gims::http {
namespace {

constexpr std::uint64_t mail = 0;
constexpr std::uint64_t listener = 1;
constexpr auto pause = std::chrono::milliseconds(200);

}  // namespace

Result<std::unique_ptr<AcceptLoop>> AcceptLoop::create(sys::Fd listening, AcceptRules rules) {
  GIMS_TRY_ASSIGN(auto bell, sys::EventFd::create());
  GIMS_TRY_ASSIGN(auto epoll, sys::Epoll::create());
  GIMS_TRY(epoll.add(bell.fd(), EPOLLIN, mail));
  GIMS_TRY(epoll.add(listening.get(), EPOLLIN, listener));
  return std::unique_ptr<AcceptLoop>(new AcceptLoop(std::move(listening), std::move(rules),
                                                    std::make_unique<Mailbox>(std::move(bell)),
                                                    std::move(epoll)));
}

void AcceptLoop::run() {
  std::array<epoll_event, 64> room{};
  while (true) {
    const auto events = epoll_.wait(room, wait_time(Steady::now()));
    if (!events) {
      log::failure(log::id::loop_broken, "A listener cannot wait for connections.", events.error());
      GIMS_CHECK(events.has_value());
    }
    bool arrived = false;
    for (const epoll_event& event : *events) {
      if (event.data.u64 == listener) {
        arrived = true;
      } else if (event.data.u64 != mail) {
        greet(event.data.u64);
      }
    }
    if (!read_mail()) break;
    const auto now = Steady::now();
    if (paused_until_ && now >= *paused_until_) {
      paused_until_.reset();
      static_cast<void>(epoll_.modify(listening_.get(), EPOLLIN, listener));
    }
    if (arrived && !paused_until_) accept_all(now);
    send_away_late(now);
  }
  mailbox_->close();
  guests_.clear();
  listening_.reset();
}

std::optional<std::chrono::milliseconds> AcceptLoop::wait_time(Steady::time_point now) const {
  std::optional<Steady::time_point> next = paused_until_;
  if (rules_.patience.count() > 0 && !guests_.empty()) {
    const auto late = guests_.begin()->second.since + rules_.patience;
    next = next ? std::min(*next, late) : late;
  }
  if (!next) return std::nullopt;
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(*next - now),
                  std::chrono::milliseconds(0));
}

bool AcceptLoop::read_mail() {
  std::vector<Post> posts;
  mailbox_->take(posts);
  for (Post& post : posts) {
    if (std::get_if<Stop>(&post) != nullptr) return false;
    if (auto* poke = std::get_if<Poke>(&post)) poke->answer();
  }
  return true;
}

void AcceptLoop::accept_all(Steady::time_point now) {
  // A bounded number a turn, so that mail and guests are not kept waiting by a flood.
  for (int turn = 0; turn < 64; ++turn) {
    auto guest = rules_.accept(listening_.get());
    if (!guest) {
      if (told_.due(now)) {
        log::failure(log::id::accept_failed,
                     "A connection cannot be accepted; trying again shortly.", guest.error());
      }
      paused_until_ = now + pause;
      static_cast<void>(epoll_.modify(listening_.get(), 0, listener));
      return;
    }
    if (!*guest) return;
    if (!(*guest)->fd) continue;
    if (guests_.size() >= rules_.most_guests) guests_.erase(guests_.begin());
    (*guest)->since = now;
    if (epoll_.add((*guest)->fd.get(), EPOLLIN, next_number_)) {
      guests_.emplace(next_number_++, std::move(**guest));
    }
  }
}

void AcceptLoop::greet(std::uint64_t number) {
  const auto found = guests_.find(number);
  if (found == guests_.end()) return;
  const Next next = rules_.readable(found->second);
  if (next == Next::stay) return;
  // Before another thread owns it, and may close it.
  static_cast<void>(epoll_.remove(found->second.fd.get()));
  Guest guest = std::move(found->second);
  guests_.erase(found);
  if (next == Next::move_on) rules_.adopt(std::move(guest.fd), std::move(guest.peer));
}

void AcceptLoop::send_away_late(Steady::time_point now) {
  if (rules_.patience.count() == 0) return;
  while (!guests_.empty() && now - guests_.begin()->second.since >= rules_.patience) {
    guests_.erase(guests_.begin());
  }
}

}  // namespace gims::http
