// Which events of a room one user may see (spec: client-server API, "Room History Visibility"). The
// only place that decides it: history, state, relations, sync and push ask here.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "sql/connection.hpp"
#include "store/changes.hpp"

namespace gims::service::rooms {

// What the decision about one event needs of it.
struct EventPlace {
  store::StreamId position;
  std::string_view type;
  std::optional<std::string_view> state_key;  // nothing: not a state event
};

// The user's memberships and the room's visibilities over time, as one snapshot knows them. A
// value: any thread may read it. Loading costs two index scans, by the user's own member events and
// the room's changes of visibility.
class Visibility {
 public:
  // From a position on (the event at it included) the value holds.
  struct Step {
    store::StreamId since;
    std::string value;
  };

  // `connection` shows the snapshot that the events are read from.
  [[nodiscard]] static Result<Visibility> load(sql::Connection& connection, store::RoomNid room,
                                               std::string_view user_id);
  // Both in ascending order. For a caller that has them already, and for tests.
  Visibility(std::string user_id, std::vector<Step> memberships, std::vector<Step> visibilities);

  [[nodiscard]] bool sees(const EventPlace& event) const;

  // The user's membership now: "join", "invite", "leave", "ban", "knock"; empty: never had one.
  [[nodiscard]] std::string_view membership() const noexcept;
  [[nodiscard]] bool is_joined() const noexcept { return membership() == "join"; }
  // With the event at the position; "leave" before the first.
  [[nodiscard]] std::string_view membership_at(store::StreamId position) const noexcept;
  // Anybody may see the room as it is now.
  [[nodiscard]] bool is_world_readable() const noexcept;
  // The room's state that the user may be shown is the one at this position: now for who is joined
  // or where the room is world-readable, when they left for who was joined once; nothing for all
  // others, who must not learn that the room exists.
  [[nodiscard]] std::optional<store::StreamId> state_position() const noexcept;

  static constexpr store::StreamId now = std::numeric_limits<store::StreamId>::max();

 private:
  [[nodiscard]] bool allows(std::string_view visibility, std::string_view membership,
                            store::StreamId position) const;

  std::string user_id_;
  std::vector<Step> memberships_;
  std::vector<Step> visibilities_;
  store::StreamId last_joined_ = 0;  // the user was joined last just before this; now: still is
  bool always_sees_ = false;         // joined, and every visibility of the past is open to them
};

}  // namespace gims::service::rooms
