// What differs between the room versions we make and take part in (spec: rooms/v10, v11, v12).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gims::matrix {

// One of a fixed table: compare by address or id; never freed. All three have event ids that are
// reference hashes, restricted and knock_restricted joins, integer power levels and strict
// canonical JSON.
struct RoomVersion {
  std::string_view id;  // "10"
  std::uint8_t number;
  // m.room.create names the creator in its content (10); later its sender is the creator.
  bool creator_in_content;
  // Redaction keeps less of the top level, more of some contents (11).
  bool redaction_of_v11;
  // m.room.redaction names its target in its content (11).
  bool redacts_in_content;
  // The room's id is the create event's id with another sigil, and the create event has neither a
  // room_id nor a place among auth events (12).
  bool room_id_is_create_hash;
  // Creators stand above all power levels, and the create event may name more of them (12).
  bool privileged_creators;
};

// Null for a version that is not known.
[[nodiscard]] const RoomVersion* find_room_version(std::string_view id) noexcept;
[[nodiscard]] std::span<const RoomVersion> room_versions() noexcept;
[[nodiscard]] const RoomVersion& room_version_10() noexcept;
[[nodiscard]] const RoomVersion& room_version_11() noexcept;
[[nodiscard]] const RoomVersion& room_version_12() noexcept;

}  // namespace gims::matrix
