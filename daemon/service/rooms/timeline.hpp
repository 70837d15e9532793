// The end of every room's chain of events: where an event is built on the newest state, authorised
// and stored. Internal to service/rooms. Thread: the writer's alone.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "matrix/event.hpp"
#include "service/rooms/room_cache.hpp"
#include "store/writer.hpp"

namespace gims::service::rooms {

// An event to be; its views live until it is stored.
struct NewEvent {
  std::string_view type;
  std::optional<std::string_view> state_key = std::nullopt;
  std::string_view sender;
  std::string_view content;  // a JSON object
  std::optional<std::string_view> redacts = std::nullopt;
  // Of the request, for unsigned.transaction_id; empty: none.
  std::string_view device_id = {};
  std::string_view txn_id = {};
};

class Timeline {
 public:
  explicit Timeline(std::size_t cached_events) noexcept : cache_(cached_events) {}

  [[nodiscard]] RoomCache& cache() noexcept { return cache_; }

  // The event on top of the room's newest, authorised by the room's state; nothing is stored.
  // M_FORBIDDEN where the state forbids it.
  [[nodiscard]] Result<matrix::EventPtr> build(store::Transaction& transaction, Room& room,
                                               const NewEvent& event);
  // Stores an event of build(), the last one built for this room, brings the room's state forward,
  // carries a redaction out, and publishes it all.
  [[nodiscard]] Result<> store(store::Transaction& transaction, Room& room,
                               const matrix::EventPtr& event, std::string_view device_id,
                               std::string_view txn_id);
  // Both in one.
  [[nodiscard]] Result<matrix::EventPtr> append(store::Transaction& transaction, Room& room,
                                                const NewEvent& event);

 private:
  [[nodiscard]] Result<> take_member(store::Transaction& transaction, const Room& room,
                                     const matrix::Event& event, store::StreamId position,
                                     const matrix::EventPtr& previous);
  [[nodiscard]] Result<> carry_out(store::Transaction& transaction, Room& room,
                                   const matrix::Event& redaction, store::StreamId position);

  RoomCache cache_;
};

// The text for everybody who is not in a room, whether it exists or not.
inline constexpr std::string_view not_in_room = "You are not in this room.";
// For who was in it, or is invited.
inline constexpr std::string_view shut_room = "An administrator has shut this room.";

}  // namespace gims::service::rooms
