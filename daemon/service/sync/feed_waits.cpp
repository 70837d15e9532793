// The feed's waiters and typing: who waits, who is ready, what ends when.
#include <algorithm>
#include <utility>

#include "service/sync/feed.hpp"

namespace gims::service::sync {

void Feed::wake(UserEntry& user) {
  for (auto& waiter : std::exchange(user.waiters, {})) {
    make_ready(std::move(waiter), Waiter::Reason::news);
  }
}

void Feed::wake_room(RoomEntry& room) {
  for (UserEntry* user : room.users) {
    if (!user->waiters.empty()) wake(*user);
  }
}

void Feed::make_ready(std::unique_ptr<Waiter> waiter, Waiter::Reason reason) {
  deadlines_.erase({waiter->deadline, waiter.get()});
  --waiting_;
  waiter->reason = reason;
  ready_.push_back(std::move(waiter));
}

bool Feed::has_news(const UserEntry& user, const Waiter& waiter) const {
  const StreamToken& checked = waiter.checked;
  if (position_ <= checked.stream && typing_serial_ <= checked.typing) return false;
  if (user.last_account_data > checked.stream) return true;
  for (const DeviceEntry& device : user.devices) {
    if (device.device_id == waiter.device_id && device.last_to_device > checked.last_to_device())
      return true;
  }
  for (const UserRoom& held : user.rooms) {
    if (held.position > checked.stream) return true;
    if (held.membership == Membership::join &&
        (held.room->last_event > checked.stream || held.room->last_receipt > checked.stream ||
         held.room->typing_serial > checked.typing)) {
      return true;
    }
  }
  // Whose devices changed may be a stranger; the next look says so.
  return (device_changes_.empty() ? device_changes_floor_ : device_changes_.back().first) >
         checked.stream;
}

// Every wait of the device but the newest.
void Feed::supersede(UserEntry& user, Waiter& newest, SteadyTime now) {
  const SteadyTime end = now + limits_.superseded_wait;
  for (auto& held : user.waiters) {
    if (held->device_id != newest.device_id) continue;
    Waiter& older = held->id < newest.id ? *held : newest;
    if (std::exchange(older.superseded, true) || older.deadline <= end) continue;
    if (deadlines_.erase({older.deadline, &older}) > 0) deadlines_.emplace(end, &older);
    older.deadline = end;
  }
}

// The oldest wait of the device makes room for a newer one. False: that is the newcomer itself.
bool Feed::make_room(UserEntry& user, const Waiter& newcomer) {
  auto oldest = user.waiters.end();
  std::size_t waits = 0;
  for (auto held = user.waiters.begin(); held != user.waiters.end(); ++held) {
    if ((*held)->device_id != newcomer.device_id) continue;
    ++waits;
    if (oldest == user.waiters.end() || (*held)->id < (*oldest)->id) oldest = held;
  }
  if (waits < limits_.waits_of_device) return true;
  if (newcomer.id < (*oldest)->id) return false;
  auto ended = std::move(*oldest);
  user.waiters.erase(oldest);
  make_ready(std::move(ended), Waiter::Reason::refused);
  return true;
}

std::unique_ptr<Waiter> Feed::park(std::unique_ptr<Waiter> waiter, SteadyTime now) {
  bool wakes = false;
  {
    const std::scoped_lock lock(mutex_);
    UserEntry* user = find_user(waiter->user_id);
    if (user == nullptr || !user->loaded || has_news(*user, *waiter)) return waiter;
    user->last_use = ++use_counter_;
    const SteadyTime next = deadlines_.empty() ? SteadyTime::max() : deadlines_.begin()->first;
    const std::size_t ready = ready_.size();
    const bool fits = make_room(*user, *waiter) && waiting_ < limits_.waits &&
                      user->waiters.size() < limits_.waits_of_user;
    ++waiting_;
    if (stopped_ || !fits) {
      make_ready(std::move(waiter),
                 stopped_ ? Waiter::Reason::superseded : Waiter::Reason::refused);
    } else {
      supersede(*user, *waiter, now);
      deadlines_.emplace(waiter->deadline, waiter.get());
      user->waiters.push_back(std::move(waiter));
    }
    wakes = ready_.size() != ready || deadlines_.begin()->first < next;
  }
  if (wakes) ready_condition_.notify_all();
  return nullptr;
}

void Feed::forget(std::string_view user_id, std::uint64_t waiter_id) {
  std::unique_ptr<Waiter> gone;  // destroyed without the lock
  const std::scoped_lock lock(mutex_);
  UserEntry* user = find_user(user_id);
  if (user == nullptr) return;
  const auto found = std::ranges::find(user->waiters, waiter_id, &Waiter::id);
  if (found == user->waiters.end()) return;
  gone = std::move(*found);
  user->waiters.erase(found);
  deadlines_.erase({gone->deadline, gone.get()});
  --waiting_;
}

void Feed::expire(SteadyTime now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    Waiter* due = deadlines_.begin()->second;
    UserEntry* user = find_user(due->user_id);
    const auto found =
        std::ranges::find_if(user->waiters, [&](const auto& held) { return held.get() == due; });
    auto waiter = std::move(*found);
    user->waiters.erase(found);
    const bool superseded = waiter->superseded;
    make_ready(std::move(waiter),
               superseded ? Waiter::Reason::superseded : Waiter::Reason::timeout);
  }
  while (!typing_ends_.empty() && typing_ends_.begin()->first <= now) {
    const auto room = rooms_.find(typing_ends_.begin()->second);
    typing_ends_.erase(typing_ends_.begin());
    if (room == rooms_.end()) continue;
    RoomEntry& entry = *room->second;
    if (std::erase_if(entry.typing, [&](const auto& typing) { return typing.second <= now; }) > 0) {
      entry.typing_serial = ++typing_serial_;
      wake_room(entry);
    }
  }
}

void Feed::set_typing(store::RoomNid room, std::string_view room_id, const std::string& user_id,
                      SteadyTime now, SteadyTime until) {
  {
    const std::scoped_lock lock(mutex_);
    RoomEntry& entry = room_entry(room, room_id, nullptr);
    const auto found =
        std::ranges::find(entry.typing, user_id,
                          [](const auto& typing) -> const std::string& { return typing.first; });
    const bool was_typing = found != entry.typing.end();
    const bool is_typing = until > now;
    if (is_typing && was_typing) {
      found->second = until;
    } else if (is_typing) {
      if (entry.typing.size() >= limits_.typing_users) return;
      entry.typing.emplace_back(user_id, until);
    } else if (was_typing) {
      entry.typing.erase(found);
    }
    if (is_typing) typing_ends_.emplace(until, room);
    if (was_typing != is_typing) {
      entry.typing_serial = ++typing_serial_;
      wake_room(entry);
    }
  }
  ready_condition_.notify_all();
}

Feed::Work Feed::take(std::size_t most) {
  Work work;
  while (!ready_.empty() && work.waiters.size() < most) {
    work.waiters.push_back(std::move(ready_.front()));
    ready_.pop_front();
  }
  work.device_changes.assign(device_jobs_.begin(), device_jobs_.end());
  device_jobs_.clear();
  work.stopped = stopped_ && ready_.empty();
  return work;
}

Feed::Work Feed::due_work(SteadyTime now, std::size_t most) {
  const std::scoped_lock lock(mutex_);
  expire(now);
  return take(most);
}

Feed::Work Feed::next_work(const Clock& clock, std::size_t most) {
  std::unique_lock lock(mutex_);
  for (;;) {
    const SteadyTime now = clock.steady();
    expire(now);
    if (!ready_.empty() || !device_jobs_.empty() || stopped_) return take(most);
    SteadyTime next = SteadyTime::max();
    if (!deadlines_.empty()) next = deadlines_.begin()->first;
    if (!typing_ends_.empty()) next = std::min(next, typing_ends_.begin()->first);
    if (next == SteadyTime::max()) {
      ready_condition_.wait(lock);
    } else {
      ready_condition_.wait_for(lock, next - now);
    }
  }
}

void Feed::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    for (const auto& [id, user] : users_) {
      for (auto& waiter : std::exchange(user->waiters, {})) {
        make_ready(std::move(waiter), Waiter::Reason::superseded);
      }
    }
  }
  ready_condition_.notify_all();
}

}  // namespace gims::service::sync
