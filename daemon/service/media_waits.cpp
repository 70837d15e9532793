#include "service/media_waits.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gims::service {

MediaWaits::MediaWaits(const Clock& clock) : clock_(clock), thread_([this] { run(); }) {}

MediaWaits::~MediaWaits() { stop(); }

template <class Which>
std::list<MediaWaits::Wait> MediaWaits::take(Which which) {
  std::list<Wait> taken;
  const std::lock_guard lock(mutex_);
  for (auto at = waits_.begin(); at != waits_.end();) {
    const auto next = std::next(at);
    if (which(*at)) taken.splice(taken.end(), waits_, at);
    at = next;
  }
  return taken;
}

void MediaWaits::add(const Ticket& ticket, std::string user_id, std::string media_id, Time deadline,
                     Look look) {
  {
    const std::lock_guard lock(mutex_);
    if (ticket->load()) return;
    const auto own = static_cast<std::size_t>(std::ranges::count(waits_, user_id, &Wait::user_id));
    if (!stopping_ && waits_.size() < most_media_waits && own < most_media_waits_of_user) {
      waits_.push_back({.ticket = ticket,
                        .user_id = std::move(user_id),
                        .media_id = std::move(media_id),
                        .deadline = deadline,
                        .look = std::move(look)});
      changed_.notify_one();
      return;
    }
  }
  look();
}

void MediaWaits::uploaded(std::string_view media_id) {
  for (Wait& wait : take([&](const Wait& one) { return one.media_id == media_id; })) wait.look();
}

void MediaWaits::gone(const Ticket& ticket) {
  // First the flag, then the list: add() looks at both with the lock.
  ticket->store(true);
  static_cast<void>(take([&](const Wait& one) { return one.ticket == ticket; }));
}

void MediaWaits::run_due(Time now) {
  for (Wait& wait : take([&](const Wait& one) { return one.deadline <= now; })) wait.look();
}

void MediaWaits::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (waits_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const Time next = std::ranges::min_element(waits_, {}, &Wait::deadline)->deadline;
    if (const Time now = clock_.steady(); next > now) {
      changed_.wait_for(lock, next - now);
      continue;
    }
    lock.unlock();
    run_due(clock_.steady());
    lock.lock();
  }
}

void MediaWaits::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  for (Wait& wait : take([](const Wait&) { return true; })) wait.look();
}

}  // namespace gims::service
