#include "bench/replay/organisation.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "bench/replay/random.hpp"

namespace gims::bench {
namespace {

// Shares of `whole` by Zipf's law with this exponent, each at least `least`, the largest first.
std::vector<std::uint32_t> zipf_shares(std::uint32_t whole, std::uint32_t parts, double exponent,
                                       std::uint32_t least) {
  double sum = 0;
  for (std::uint32_t i = 0; i < parts; ++i) sum += std::pow(i + 1.0, -exponent);
  const std::uint32_t free = whole - (least * parts);
  std::vector<std::uint32_t> shares;
  std::uint32_t left = free;
  for (std::uint32_t i = 0; i < parts; ++i) {
    const auto share = std::min(left, static_cast<std::uint32_t>(std::pow(i + 1.0, -exponent) /
                                                                 sum * static_cast<double>(free)));
    shares.push_back(least + share);
    left -= share;
  }
  shares.front() += left;
  return shares;
}

// Sizes from `least` to `most` that add up to `whole`, small ones more often: the density falls
// with the square of the size. What would be left over and too small goes to the last.
std::vector<std::uint32_t> sizes_of(Random& random, std::uint32_t whole, std::uint32_t least,
                                    std::uint32_t most) {
  std::vector<std::uint32_t> sizes;
  while (whole > 0) {
    const double low = 1.0 / least;
    const double high = 1.0 / (most + 1.0);
    auto size = static_cast<std::uint32_t>(1.0 / (low - random.unit() * (low - high)));
    size = std::min(std::clamp(size, least, most), whole);
    if (whole - size < least && whole <= most) size = whole;
    if (whole - size > 0 && whole - size < least) size = whole - least;
    size = std::clamp(size, std::uint32_t{1}, whole);
    sizes.push_back(size);
    whole -= size;
  }
  return sizes;
}

Designation designation_of(std::uint32_t place, std::uint32_t size) {
  if (place == 0) return Designation::joint_secretary;
  const double part = static_cast<double>(place) / size;
  if (part < 0.05) return Designation::director;
  if (part < 0.20) return Designation::under_secretary;
  return part < 0.50 ? Designation::section_officer : Designation::desk_officer;
}

class Maker {
 public:
  explicit Maker(const OrganisationOptions& options) : options_(options), random_(options.seed) {}

  Organisation make() {
    const std::uint32_t ministries =
        std::clamp(options_.ministries, std::uint32_t{1}, std::max(options_.officers / 6, 1U));
    const std::uint32_t least = std::min(options_.officers / ministries, 6U);
    for (const std::uint32_t size : zipf_shares(options_.officers, ministries, 0.7, least)) {
      add_ministry(size);
    }
    add_task_forces();
    for (const Officer& officer : made_.officers) made_.devices += officer.devices;
    return std::move(made_);
  }

 private:
  void add_ministry(std::uint32_t size) {
    const auto first = static_cast<std::uint32_t>(made_.officers.size());
    const std::uint32_t departments = std::max(size / 150, 1U);
    const std::uint32_t least = std::min(50U, size / departments);
    bool has_secretary = false;
    for (const std::uint32_t share : zipf_shares(size, departments, 0.5, least)) {
      // Beyond 300 an office is two.
      const std::uint32_t parts = (share + 299) / 300;
      for (std::uint32_t i = 0; i < parts; ++i) {
        add_department(share / parts + (i < share % parts ? 1 : 0), has_secretary);
        has_secretary = true;
      }
    }
    PlannedRoom everyone{.kind = RoomKind::announcement, .members = {}};
    for (std::uint32_t i = first; i < made_.officers.size(); ++i) everyone.members.push_back(i);
    add_mixed_teams(everyone.members);
    made_.rooms.push_back(std::move(everyone));
    ++ministry_;
  }

  void add_department(std::uint32_t size, bool has_secretary) {
    const auto first = static_cast<std::uint32_t>(made_.officers.size());
    PlannedRoom room{.kind = RoomKind::department, .members = {}};
    for (std::uint32_t i = 0; i < size; ++i) {
      room.members.push_back(first + i);
      const bool is_head = i == 0 && !has_secretary;
      made_.officers.push_back(
          {.ministry = ministry_,
           .department = static_cast<std::uint16_t>(made_.departments),
           .designation = is_head ? Designation::secretary : designation_of(i, size),
           .devices = random_.chance(options_.second_devices) ? std::uint8_t{2} : std::uint8_t{1}});
    }
    std::uint32_t next = first;
    for (const std::uint32_t team : sizes_of(random_, size, 5, 30)) {
      PlannedRoom planned{.kind = RoomKind::team, .members = {}};
      for (std::uint32_t i = 0; i < team; ++i) planned.members.push_back(next++);
      made_.rooms.push_back(std::move(planned));
    }
    add_direct_rooms(room.members);
    made_.rooms.push_back(std::move(room));
    ++made_.departments;
  }

  void add_direct_rooms(const std::vector<std::uint32_t>& members) {
    const auto size = static_cast<std::uint32_t>(members.size());
    if (size < 2) return;
    std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::uint32_t tries = 0; tries < size * 3 / 2; ++tries) {
      const std::uint32_t one = members[random_.below(size)];
      // One in ten is with somebody of another department that is there already.
      const bool elsewhere = random_.chance(0.1);
      const std::uint32_t other =
          elsewhere ? random_.below(static_cast<std::uint32_t>(made_.officers.size()))
                    : members[random_.below(size)];
      if (one == other || !pairs.emplace(std::minmax(one, other)).second) continue;
      made_.rooms.push_back({.kind = RoomKind::direct, .members = {one, other}});
    }
  }

  // Distinct members of `from`.
  std::vector<std::uint32_t> some_of(const std::vector<std::uint32_t>& from, std::uint32_t count) {
    std::set<std::uint32_t> chosen;
    std::vector<std::uint32_t> members;
    while (members.size() < count) {
      const std::uint32_t one = from[random_.below(static_cast<std::uint32_t>(from.size()))];
      if (chosen.insert(one).second) members.push_back(one);
    }
    return members;
  }

  void add_mixed_teams(const std::vector<std::uint32_t>& of) {
    const auto size = static_cast<std::uint32_t>(of.size());
    if (size < 10) return;
    for (const std::uint32_t team : sizes_of(random_, size, 5, 30)) {
      made_.rooms.push_back(
          {.kind = RoomKind::team, .members = some_of(of, std::min(team, size / 2))});
    }
  }

  void add_task_forces() {
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < made_.officers.size(); ++i) all.push_back(i);
    const auto size = static_cast<std::uint32_t>(all.size());
    if (ministry_ < 2 || size < 24) return;
    const std::uint32_t largest = std::min(120U, size / 2);
    for (const std::uint32_t force : sizes_of(random_, std::max(size / 5, 12U), 12, largest)) {
      made_.rooms.push_back({.kind = RoomKind::task_force, .members = some_of(all, force)});
    }
  }

  const OrganisationOptions& options_;
  Random random_;
  Organisation made_;
  std::uint16_t ministry_ = 0;
};

}  // namespace

std::string_view name_of(RoomKind kind) noexcept {
  switch (kind) {
    case RoomKind::direct:
      return "direct";
    case RoomKind::team:
      return "team";
    case RoomKind::task_force:
      return "task force";
    case RoomKind::department:
      return "department";
    case RoomKind::announcement:
      return "announcement";
  }
  return "";
}

Organisation make_organisation(const OrganisationOptions& options) { return Maker(options).make(); }

}  // namespace gims::bench
