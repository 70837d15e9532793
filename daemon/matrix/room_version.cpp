#include "matrix/room_version.hpp"

#include <array>

namespace gims::matrix {
namespace {

constexpr std::array<RoomVersion, 3> table{{
    {.id = "10",
     .number = 10,
     .creator_in_content = true,
     .redaction_of_v11 = false,
     .redacts_in_content = false,
     .room_id_is_create_hash = false,
     .privileged_creators = false},
    {.id = "11",
     .number = 11,
     .creator_in_content = false,
     .redaction_of_v11 = true,
     .redacts_in_content = true,
     .room_id_is_create_hash = false,
     .privileged_creators = false},
    {.id = "12",
     .number = 12,
     .creator_in_content = false,
     .redaction_of_v11 = true,
     .redacts_in_content = true,
     .room_id_is_create_hash = true,
     .privileged_creators = true},
}};

}  // namespace

const RoomVersion* find_room_version(std::string_view id) noexcept {
  for (const RoomVersion& version : table) {
    if (version.id == id) return &version;
  }
  return nullptr;
}

std::span<const RoomVersion> room_versions() noexcept { return table; }
const RoomVersion& room_version_10() noexcept { return table[0]; }
const RoomVersion& room_version_11() noexcept { return table[1]; }
const RoomVersion& room_version_12() noexcept { return table[2]; }

}  // namespace gims::matrix
