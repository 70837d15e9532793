// Who there is and in which rooms: ministries with departments and their officers, made from a
// seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gims::bench {

enum class Designation : std::uint8_t {
  secretary,
  joint_secretary,
  director,
  under_secretary,
  section_officer,
  desk_officer
};
enum class RoomKind : std::uint8_t { direct, team, task_force, department, announcement };
inline constexpr std::size_t room_kinds = 5;
[[nodiscard]] std::string_view name_of(RoomKind kind) noexcept;

struct Officer {
  std::uint16_t ministry = 0;
  std::uint16_t department = 0;  // of all ministries together
  Designation designation = Designation::desk_officer;
  std::uint8_t devices = 1;  // 1 or 2
};

struct PlannedRoom {
  RoomKind kind = RoomKind::direct;
  std::vector<std::uint32_t> members;  // numbers of officers, each once; the first makes the room
};

struct OrganisationOptions {
  std::uint32_t officers = 6500;
  std::uint32_t ministries = 17;
  double second_devices = 0.2;  // part of the officers who have two
  std::uint64_t seed = 1;
};

struct Organisation {
  std::vector<Officer> officers;
  std::vector<PlannedRoom> rooms;
  std::size_t departments = 0;
  std::size_t devices = 0;
};

// Ministries and departments have sizes like Zipf's law has them. Rooms: one for announcements a
// ministry (all of it), one a department (50 to 300 officers), every officer in one team (5 to 30)
// and some in teams across their ministry, task forces across ministries, and three direct rooms
// for two officers, most of one department. With few officers all of them are smaller.
[[nodiscard]] Organisation make_organisation(const OrganisationOptions& options);

}  // namespace gims::bench
