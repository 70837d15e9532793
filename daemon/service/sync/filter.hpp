// Filters (spec: client-server API, "Filtering"): what of a sync a client wants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "json/value.hpp"

namespace gims::service::sync {

// `text` matches `pattern`, in which "*" stands for any sequence of characters, the empty one too.
[[nodiscard]] bool matches_wildcard(std::string_view pattern, std::string_view text) noexcept;

// Events of any kind. A list that is absent lets all pass; an empty one lets none.
struct EventFilter {
  std::optional<std::vector<std::string>> types;
  std::vector<std::string> not_types;
  std::optional<std::vector<std::string>> senders;
  std::vector<std::string> not_senders;
  std::optional<std::int64_t> limit;

  [[nodiscard]] bool passes_type(std::string_view type) const noexcept;
  [[nodiscard]] bool passes_sender(std::string_view sender) const noexcept;
  // False: no event at all can pass, so that nothing need be read.
  [[nodiscard]] bool passes_any() const noexcept;
  // The same without a look at `limit`, for what is never cut.
  [[nodiscard]] bool passes_any_kind() const noexcept;
};

// Events of rooms.
struct RoomEventFilter : EventFilter {
  std::optional<std::vector<std::string>> rooms;
  std::vector<std::string> not_rooms;
  std::optional<bool> contains_url;
  bool lazy_load_members = false;
  bool include_redundant_members = false;
  bool unread_thread_notifications = false;

  // M_BAD_JSON as Filter::parse; for the `filter` argument of /messages and /context.
  [[nodiscard]] static Result<RoomEventFilter> parse(json::Value object);
  [[nodiscard]] bool passes_room(std::string_view room_id) const noexcept;
  // Without a look at the room, which is the same for many events.
  [[nodiscard]] bool passes_event(std::string_view type, std::string_view sender,
                                  bool has_url) const noexcept;
};

struct Filter {
  EventFilter presence;
  EventFilter account_data;
  std::optional<std::vector<std::string>> rooms;
  std::vector<std::string> not_rooms;
  RoomEventFilter ephemeral;
  RoomEventFilter state;
  RoomEventFilter timeline;
  RoomEventFilter room_account_data;
  bool include_leave = false;
  // event_format "federation": whole PDUs.
  bool federation_format = false;

  // M_BAD_JSON with the field's name for a wrong type. Unknown fields are ignored, and so is
  // event_fields: a server may send more than was asked for.
  [[nodiscard]] static Result<Filter> parse(json::Value object);

  [[nodiscard]] bool passes_room(std::string_view room_id) const noexcept;
  // Events of a room's timeline in one reply; more than `most` are not given.
  [[nodiscard]] std::size_t timeline_limit() const noexcept;
  static constexpr std::size_t default_timeline_limit = 10;
  static constexpr std::size_t most_timeline_events = 100;
};

}  // namespace gims::service::sync
