#include "bench/replay/day.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gims::bench {
namespace {

// By the hour, how much is said; between full hours linear.
constexpr std::array<double, 25> by_hour = {0.02, 0.01, 0.01, 0.01, 0.02, 0.05, 0.15, 0.4, 1.2,
                                            4.0,  6.0,  6.5,  6.0,  3.5,  4.5,  6.0,  5.5, 4.0,
                                            2.0,  1.0,  0.8,  0.6,  0.3,  0.1,  0.02};

bool is_head(const Officer& officer) {
  return officer.designation == Designation::secretary ||
         officer.designation == Designation::joint_secretary;
}

}  // namespace

double Day::share_of(RoomKind kind) noexcept {
  switch (kind) {
    case RoomKind::direct:
      return 0.56;
    case RoomKind::team:
      return 0.3948;
    case RoomKind::task_force:
      return 0.015;
    case RoomKind::department:
      return 0.03;
    case RoomKind::announcement:
      return 0.0002;
  }
  return 0;
}

Day::Day(const Organisation& organisation, std::uint64_t messages, std::uint64_t seed)
    : organisation_(organisation),
      messages_(messages),
      random_(Random::mix(seed) ^ messages),
      said_(organisation.rooms.size()) {
  for (std::uint32_t room = 0; room < organisation.rooms.size(); ++room) {
    kinds_.at(static_cast<std::size_t>(organisation.rooms[room].kind)).rooms.push_back(room);
  }
  double shares = 0;
  for (std::size_t i = 0; i < room_kinds; ++i) {
    Kind& kind = kinds_.at(i);
    if (!kind.rooms.empty()) shares += share_of(static_cast<RoomKind>(i));
    kind.until = shares;
    // Which rooms are the busy ones has nothing to do with their numbers.
    for (std::size_t left = kind.rooms.size(); left > 1; --left) {
      std::swap(kind.rooms[left - 1], kind.rooms[random_.below(static_cast<std::uint32_t>(left))]);
    }
    double sum = 0;
    for (std::size_t rank = 0; rank < kind.rooms.size(); ++rank) {
      sum += std::pow(static_cast<double>(rank) + 10.0, -0.6);
      kind.weights.push_back(sum);
    }
  }
  for (Kind& kind : kinds_) kind.until /= shares;
  double sum = 0;
  for (std::uint32_t minute = 0; minute < minutes_of_day; ++minute) {
    const std::size_t hour = minute / 60;
    const double part = (minute % 60) / 60.0;
    cumulative_.at(minute) = sum;
    sum += by_hour.at(hour) * (1 - part) + by_hour.at(hour + 1) * part;
  }
  cumulative_.at(minutes_of_day) = sum;
}

double Day::minute_of(std::uint64_t number) {
  const double place =
      static_cast<double>(number) / static_cast<double>(messages_) * cumulative_.at(minutes_of_day);
  while (minute_ + 1 < minutes_of_day && cumulative_.at(minute_ + 1) <= place) ++minute_;
  const double low = cumulative_.at(minute_);
  return minute_ + ((place - low) / (cumulative_.at(minute_ + 1) - low));
}

std::uint32_t Day::pick_room() {
  const double place = random_.unit();
  const auto found =
      std::ranges::find_if(kinds_, [&](const Kind& kind) { return place < kind.until; });
  const Kind& kind = found == kinds_.end() ? kinds_.front() : *found;
  const auto at = std::ranges::upper_bound(kind.weights, random_.unit() * kind.weights.back());
  return kind.rooms[static_cast<std::size_t>(
      std::min(at - kind.weights.begin(), std::ssize(kind.weights) - 1))];
}

// Base64 of what Megolm makes of an event's JSON, which the clients pad little: short texts, long
// ones, the keys of a file, and now and then a document in full.
std::uint32_t Day::pick_size() {
  const double place = random_.unit();
  if (place < 0.70) return random_.between(300, 900);
  if (place < 0.92) return random_.between(900, 2500);
  if (place < 0.995) return random_.between(900, 1600);
  return random_.between(2500, 8000);
}

PlannedMessage Day::next() {
  PlannedMessage message{.number = next_, .minute = minute_of(next_), .room = pick_room()};
  ++next_;
  const PlannedRoom& room = organisation_.rooms[message.room];
  const auto members = static_cast<std::uint32_t>(room.members.size());
  message.sender = room.members[random_.below(members)];
  if (room.kind == RoomKind::announcement) {
    std::vector<std::uint32_t> heads;
    for (const std::uint32_t member : room.members) {
      if (is_head(organisation_.officers[member])) heads.push_back(member);
    }
    message.sender = heads[random_.below(static_cast<std::uint32_t>(heads.size()))];
  }
  message.ciphertext = pick_size();
  message.typing = random_.chance(0.05);
  const bool is_new = said_[message.room]++ % session_messages == 0;
  message.shares_key = is_new && members <= most_key_receivers;
  return message;
}

}  // namespace gims::bench
