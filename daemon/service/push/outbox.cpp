#include "service/push/outbox.hpp"

#include <algorithm>

namespace gims::service::push {

void Outbox::set_pushers(std::string_view user_id, std::vector<Pusher> pushers, Known known) {
  Entries before;
  if (const auto found = users_.find(user_id); found != users_.end()) {
    before = std::move(found->second);
    users_.erase(found);
  }
  Entries after;
  for (Pusher& pusher : pushers) {
    const auto same = std::ranges::find_if(
        before, [&](const auto& entry) { return entry != nullptr && entry->pusher == pusher; });
    if (same != before.end()) {
      after.push_back(std::move(*same));
    } else {
      after.push_back(std::make_unique<Entry>(
          Entry{.pusher = std::move(pusher), .told_none = known == Known::never_told}));
    }
  }
  for (const auto& entry : before) {
    if (entry != nullptr) forget(*entry);
  }
  if (!after.empty()) users_.emplace(user_id, std::move(after));
}

void Outbox::add(std::string_view user_id, const Unsent& unsent, Time now) {
  const auto found = users_.find(user_id);
  if (found == users_.end()) return;
  for (const auto& entry : found->second) {
    const auto same = std::ranges::find(entry->rooms, unsent.event->room, [](const Waiting& held) {
      return held.unsent.event->room;
    });
    if (same != entry->rooms.end()) {
      Unsent newer = unsent;
      newer.high |= same->unsent.high;
      newer.highlight |= same->unsent.highlight;
      if (newer.sound.empty()) newer.sound = same->unsent.sound;
      same->unsent = std::move(newer);
    } else {
      if (entry->rooms.size() >= limits_.rooms) drop_front(*entry);
      entry->rooms.push_back({.unsent = unsent, .first = unsent.event->position});
      firsts_.insert(unsent.event->position);
    }
    queue(*entry, now);
  }
}

void Outbox::read(std::string_view user_id, Time now) {
  const auto found = users_.find(user_id);
  if (found == users_.end()) return;
  for (const auto& entry : found->second) {
    if (entry->told_none) continue;
    entry->count_due = true;
    queue(*entry, now);
  }
}

std::optional<Outbox::Job> Outbox::next(Time now) {
  if (due_.empty() || due_.begin()->first.first > now) return std::nullopt;
  Entry& entry = *due_.begin()->second;
  return Job{.pusher = &entry.pusher,
             .unsent = entry.rooms.empty() ? nullptr : &entry.rooms.front().unsent,
             .entry = &entry};
}

// What the job was about is over; what else the pusher has is queued.
void Outbox::settle(const Job& job, Time now) {
  Entry& entry = *job.entry;
  unqueue(entry);
  entry.tries = 0;
  if (job.unsent != nullptr) {
    drop_front(entry);
  } else {
    entry.count_due = false;
  }
  if (!entry.rooms.empty() || entry.count_due) queue(entry, now);
}

void Outbox::sent(const Job& job, std::int64_t unread, Time now) {
  Entry& entry = *job.entry;
  entry.told_none = unread == 0;
  entry.not_before = now + limits_.pace;
  settle(job, now);
}

void Outbox::not_needed(const Job& job, Time now) { settle(job, now); }

bool Outbox::failed(const Job& job, Time now) {
  Entry& entry = *job.entry;
  const unsigned tries = entry.tries + 1;
  const auto pause = std::min(limits_.longest_pause, limits_.first_pause * (1U << (tries - 1)));
  entry.not_before = now + pause;
  if (tries >= limits_.tries) {
    settle(job, now);
    return false;
  }
  entry.tries = tries;
  unqueue(entry);
  queue(entry, now);
  return true;
}

void Outbox::remove(const Job& job) {
  Entry* const entry = job.entry;
  const auto user = users_.find(entry->pusher.user_id);
  forget(*entry);
  std::erase_if(user->second, [&](const auto& held) { return held.get() == entry; });
  if (user->second.empty()) users_.erase(user);
}

std::optional<Outbox::Time> Outbox::next_due() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first.first;
}

std::optional<store::StreamId> Outbox::oldest() const {
  if (firsts_.empty()) return std::nullopt;
  return *firsts_.begin();
}

void Outbox::queue(Entry& entry, Time now) {
  if (entry.place) return;
  entry.place.emplace(std::max(now, entry.not_before), ++queued_);
  due_.emplace(*entry.place, &entry);
}

void Outbox::unqueue(Entry& entry) {
  if (!entry.place) return;
  due_.erase(*entry.place);
  entry.place.reset();
}

void Outbox::drop_front(Entry& entry) {
  firsts_.erase(firsts_.find(entry.rooms.front().first));
  entry.rooms.erase(entry.rooms.begin());
}

void Outbox::forget(Entry& entry) {
  unqueue(entry);
  while (!entry.rooms.empty()) drop_front(entry);
}

}  // namespace gims::service::push
