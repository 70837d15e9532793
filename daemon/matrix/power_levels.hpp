// Power levels (spec: client-server API, "m.room.power_levels"; rooms/v12 on creators).
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "matrix/event.hpp"
#include "matrix/state_view.hpp"

namespace gims::matrix {

// Above every level that JSON can name: the level of creators from version 12.
inline constexpr std::int64_t creator_level = std::numeric_limits<std::int64_t>::max();

// Who made the room: content.creator in version 10, the sender of the create event later.
[[nodiscard]] std::string_view creator_of(const Event& create) noexcept;

// The levels of a room, defaults filled in. Holds the two events it reads from.
class PowerLevels {
 public:
  // `create` must not be null; `levels` is the m.room.power_levels in force, or null.
  PowerLevels(EventPtr create, EventPtr levels);
  // Reads both from the state, which must hold a create event.
  [[nodiscard]] static PowerLevels of(const StateView& state);

  [[nodiscard]] std::int64_t of_user(std::string_view user_id) const noexcept;
  [[nodiscard]] std::int64_t to_send(std::string_view type, bool is_state) const noexcept;
  [[nodiscard]] std::int64_t to_ban() const noexcept { return level("ban", 50); }
  [[nodiscard]] std::int64_t to_kick() const noexcept { return level("kick", 50); }
  [[nodiscard]] std::int64_t to_redact() const noexcept { return level("redact", 50); }
  [[nodiscard]] std::int64_t to_invite() const noexcept { return level("invite", 0); }
  // notifications.<key>, e.g. "room".
  [[nodiscard]] std::int64_t to_notify(std::string_view key) const noexcept;

  // creator_of() the room and, from version 12, its additional_creators.
  [[nodiscard]] bool is_creator(std::string_view user_id) const noexcept;
  [[nodiscard]] std::vector<std::string_view> creators() const;

 private:
  [[nodiscard]] std::int64_t level(std::string_view key, std::int64_t otherwise) const noexcept;
  [[nodiscard]] json::Value content() const noexcept;

  EventPtr create_;
  EventPtr levels_;
};

}  // namespace gims::matrix
