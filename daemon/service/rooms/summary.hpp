// What a room shows of itself to who may come in: an entry of the room directory, of a space's
// hierarchy, or of the room summary. Internal to services.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/writer.hpp"
#include "matrix/room_version.hpp"
#include "sql/connection.hpp"
#include "store/changes.hpp"

namespace gims::service::rooms {

struct RoomSummary {
  store::RoomNid nid = 0;
  std::string room_id;
  std::string version;
  std::int64_t members = 0;
  std::optional<std::string> name;
  std::optional<std::string> topic;
  std::optional<std::string> avatar_url;
  std::optional<std::string> canonical_alias;
  std::optional<std::string> room_type;
  std::optional<std::string> encryption;
  std::string join_rule;
  std::vector<std::string> allowed_rooms;  // of restricted rooms
  bool world_readable = false;
  bool guest_can_join = false;

  // The members of the JSON object, for who has opened it.
  void write(json::Writer& out) const;
  // Any of name, topic and alias holds the term, letters compared without case (ASCII).
  [[nodiscard]] bool mentions(std::string_view lower_case_term) const;
};

// Nothing: no such room.
[[nodiscard]] Result<std::optional<RoomSummary>> load_summary(sql::Connection& connection,
                                                              std::string_view room_id);

// Whether the user may know of the room (spec: GET /rooms/{roomId}/hierarchy lists the conditions):
// is in it or invited, could join or knock, or anybody may read it.
[[nodiscard]] Result<bool> may_know_of(sql::Connection& connection, const RoomSummary& room,
                                       std::string_view user_id);

[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace gims::service::rooms
