#include "bench/replay/ledger.hpp"

#include <algorithm>
#include <utility>

#include "bench/replay/random.hpp"

namespace gims::bench {
namespace {

constexpr std::size_t most_told = 100;

std::string in_room(std::uint32_t reader, std::uint32_t room) {
  return "device " + std::to_string(reader) + ", room " + std::to_string(room) + ": ";
}

}  // namespace

// FNV-1a over both with a zero between, and mixed so that all bits count.
Fingerprint fingerprint(std::string_view event_id, std::string_view label) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  const auto add = [&hash](char c) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  };
  for (const char c : event_id) add(c);
  add('\0');
  for (const char c : label) add(c);
  return Random::mix(hash);
}

void Ledger::fault(std::string what) {
  ++faults_;
  if (told_.size() < most_told) told_.push_back(std::move(what));
}

Ledger::Reader Ledger::add(std::vector<Room> rooms, std::uint32_t next) {
  std::ranges::sort(rooms);
  Held held;
  for (const Room room : rooms) held.rooms.push_back({.room = room, .next = next});
  readers_.push_back(std::move(held));
  return static_cast<Reader>(readers_.size() - 1);
}

Ledger::Reader Ledger::add_reader(std::vector<Room> rooms) { return add(std::move(rooms), 0); }
Ledger::Reader Ledger::add_late_reader(std::vector<Room> rooms) {
  return add(std::move(rooms), unplaced);
}

void Ledger::retire(Reader reader) { readers_[reader].retired = true; }

void Ledger::acknowledged(Room room, Sender sender, Fingerprint event) {
  ++acknowledged_;
  rooms_[room].acknowledged.push_back({.event = event, .sender = sender});
}

void Ledger::seen(Reader reader, Room room, Fingerprint event) {
  ++deliveries_;
  Held& held = readers_[reader];
  const auto place = std::ranges::lower_bound(held.rooms, room, {}, &Place::room);
  if (place == held.rooms.end() || place->room != room) {
    return fault(in_room(reader, room) + "an event of a room that it is not in");
  }
  if (place->next != unplaced) return step(reader, *place, event);
  auto waiting = std::ranges::find(held.waiting, room, &Waiting::room);
  if (waiting == held.waiting.end()) {
    held.waiting.push_back({.room = room, .events = {}});
    waiting = std::prev(held.waiting.end());
  }
  waiting->events.push_back(event);
  try_to_place(reader, *place, false);
}

// Where a late reader begins, once the order has the first event that it saw.
void Ledger::try_to_place(Reader reader, Place& place, bool at_the_end) {
  Held& held = readers_[reader];
  const auto waiting = std::ranges::find(held.waiting, place.room, &Waiting::room);
  if (waiting == held.waiting.end()) return;
  const auto& order = rooms_[place.room].events;
  const auto found = std::find(order.rbegin(), order.rend(), waiting->events.front());
  if (found == order.rend()) {
    if (at_the_end) fault(in_room(reader, place.room) + "began with an event that no one else saw");
    return;
  }
  place.next = static_cast<std::uint32_t>(order.rend() - found - 1);
  const auto events = std::move(waiting->events);
  held.waiting.erase(waiting);
  for (const Fingerprint event : events) step(reader, place, event);
}

void Ledger::step(Reader reader, Place& place, Fingerprint event) {
  auto& order = rooms_[place.room].events;
  if (place.next == order.size()) {
    order.push_back(event);
    ++place.next;
    return;
  }
  if (order[place.next] == event) {
    ++place.next;
    return;
  }
  const auto here = order.begin() + place.next;
  if (const auto later = std::find(here, order.end(), event); later != order.end()) {
    fault(in_room(reader, place.room) + "missed " + std::to_string(later - here) +
          " events from the " + std::to_string(place.next) + "th on");
    place.next = static_cast<std::uint32_t>(later - order.begin() + 1);
  } else if (std::find(order.begin(), here, event) != here) {
    fault(in_room(reader, place.room) + "an event again or too late, at the " +
          std::to_string(place.next) + "th");
  } else {
    fault(in_room(reader, place.room) + "an event that was not there for others, at the " +
          std::to_string(place.next) + "th");
  }
}

void Ledger::sent_to_device(Reader reader, Fingerprint message) {
  ++to_device_;
  ++readers_[reader].sent;
  readers_[reader].sent_sum += message;
}

void Ledger::seen_to_device(Reader reader, Fingerprint message) {
  ++readers_[reader].got;
  readers_[reader].got_sum += message;
}

void Ledger::history(Room room, std::span<const Fingerprint> events) {
  const auto& order = rooms_[room].events;
  if (std::ranges::equal(order, events)) return;
  const auto differ = std::ranges::mismatch(order, events);
  fault("room " + std::to_string(room) + ": its history has " + std::to_string(events.size()) +
        " events, the devices saw " + std::to_string(order.size()) + "; the " +
        std::to_string(differ.in1 - order.begin()) + "th is the first to differ");
}

bool Ledger::is_at_end(Reader reader) const {
  return std::ranges::all_of(readers_[reader].rooms, [&](const Place& place) {
    return place.next == unplaced || place.next == rooms_[place.room].events.size();
  });
}

bool Ledger::has_news(Reader reader) const {
  return std::ranges::any_of(readers_[reader].rooms, [&](const Place& place) {
    const std::size_t all = rooms_[place.room].acknowledged.size();
    return place.next == unplaced ? all > 0 : place.next < all;
  });
}

void Ledger::check_reader(Reader reader) {
  Held& held = readers_[reader];
  if (held.retired) return;
  for (Place& place : held.rooms) {
    if (place.next == unplaced) try_to_place(reader, place, true);
    const std::size_t all = rooms_[place.room].events.size();
    if (place.next != unplaced && place.next != all) {
      fault(in_room(reader, place.room) + "the last " + std::to_string(all - place.next) +
            " events are missing");
    }
  }
  if (held.sent != held.got || held.sent_sum != held.got_sum) {
    fault("device " + std::to_string(reader) + ": " + std::to_string(held.sent) +
          " messages were sent to it alone, it has " + std::to_string(held.got) +
          (held.sent == held.got ? " others" : ""));
  }
}

void Ledger::check_room(Room room) {
  const Order& order = rooms_[room];
  struct At {
    Fingerprint event;
    std::uint32_t place;
  };
  std::vector<At> seen;
  for (const Fingerprint event : order.events) {
    seen.push_back({.event = event, .place = static_cast<std::uint32_t>(seen.size())});
  }
  std::ranges::sort(seen, {}, &At::event);
  const std::string name = "room " + std::to_string(room) + ": ";
  if (std::ranges::adjacent_find(seen, {}, &At::event) != seen.end()) {
    fault(name + "an event is there twice");
  }
  if (seen.size() != order.acknowledged.size()) {
    fault(name + std::to_string(order.acknowledged.size()) + " sends were acknowledged, " +
          std::to_string(seen.size()) + " events were seen");
  }
  std::vector<std::pair<Sender, std::uint32_t>> last;  // by sender: the place of its last
  for (const Acknowledged& one : order.acknowledged) {
    const auto found = std::ranges::lower_bound(seen, one.event, {}, &At::event);
    if (found == seen.end() || found->event != one.event) {
      fault(name + "an acknowledged event was not seen by all");
      continue;
    }
    const auto before =
        std::ranges::find(last, one.sender, &std::pair<Sender, std::uint32_t>::first);
    if (before == last.end()) {
      last.emplace_back(one.sender, found->place);
      continue;
    }
    if (before->second >= found->place) fault(name + "a sender's events are not in their order");
    before->second = found->place;
  }
}

void Ledger::finish() {
  for (Reader reader = 0; reader < readers_.size(); ++reader) check_reader(reader);
  for (Room room = 0; room < rooms_.size(); ++room) check_room(room);
}

}  // namespace gims::bench
