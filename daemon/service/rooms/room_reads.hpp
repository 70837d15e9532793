// What clients read of rooms: history, state, members, relations. Answers are the JSON of the
// response. Thread: any but a loop's; each call takes one lease of the store and gives it back.
//
// A user who may see nothing of a room gets the same M_FORBIDDEN as for a room that is not there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/rooms/rooms.hpp"
#include "service/sync/filter.hpp"
#include "store/store.hpp"

namespace gims::service::rooms {

enum class Direction : std::uint8_t { backward, forward };

// Limits are clamped to what one answer may hold; nothing: the endpoint's default.
struct MessagesQuery {
  std::optional<store::StreamId> from = {};
  std::optional<store::StreamId> to = {};
  Direction direction = Direction::backward;
  std::optional<std::int64_t> limit = {};
  sync::RoomEventFilter filter = {};
};
struct ContextQuery {
  std::string event_id;
  std::optional<std::int64_t> limit = {};
  sync::RoomEventFilter filter = {};
};
// An event passes that is of the one membership or is not of the other (GET /members).
struct MembersQuery {
  std::optional<store::StreamId> at = {};
  std::optional<std::string> membership = {};
  std::optional<std::string> not_membership = {};
};
struct RelationsQuery {
  std::string event_id;
  std::optional<std::string> rel_type = {};
  std::optional<std::string> event_type = {};
  std::optional<store::StreamId> from = {};
  std::optional<store::StreamId> to = {};
  Direction direction = Direction::backward;
  std::optional<std::int64_t> limit = {};
  std::optional<bool> recurse = {};
};
struct ThreadsQuery {
  bool only_participated = false;
  std::optional<store::StreamId> from = {};
  std::optional<std::int64_t> limit = {};
};

class RoomReads {
 public:
  // Both outlive this object.
  RoomReads(store::Store& store, const Clock& clock) noexcept : store_(store), clock_(clock) {}

  // history.cpp
  [[nodiscard]] Result<std::string> messages(const Actor& viewer, std::string_view room_id,
                                             const MessagesQuery& query);
  [[nodiscard]] Result<std::string> context(const Actor& viewer, std::string_view room_id,
                                            const ContextQuery& query);
  // M_NOT_FOUND for whatever the user may not see.
  [[nodiscard]] Result<std::string> event(const Actor& viewer, std::string_view room_id,
                                          std::string_view event_id);
  // M_NOT_FOUND unless the user is joined and may see the event: who may report it.
  [[nodiscard]] Result<> check_reportable(const Actor& viewer, std::string_view room_id,
                                          std::string_view event_id);
  [[nodiscard]] Result<std::string> event_near(const Actor& viewer, std::string_view room_id,
                                               Millis ts, Direction direction);

  // state_reads.cpp
  [[nodiscard]] Result<std::string> state(const Actor& viewer, std::string_view room_id);
  // The content, or with `whole` the event.
  [[nodiscard]] Result<std::string> state_event(const Actor& viewer, std::string_view room_id,
                                                std::string_view type, std::string_view state_key,
                                                bool whole);
  [[nodiscard]] Result<std::string> members(const Actor& viewer, std::string_view room_id,
                                            const MembersQuery& query);
  [[nodiscard]] Result<std::string> joined_members(const Actor& viewer, std::string_view room_id);
  [[nodiscard]] Result<std::string> aliases(const Actor& viewer, std::string_view room_id);

  // relations.cpp
  [[nodiscard]] Result<std::string> relations(const Actor& viewer, std::string_view room_id,
                                              const RelationsQuery& query);
  [[nodiscard]] Result<std::string> threads(const Actor& viewer, std::string_view room_id,
                                            const ThreadsQuery& query);

 private:
  store::Store& store_;
  const Clock& clock_;
};

}  // namespace gims::service::rooms
