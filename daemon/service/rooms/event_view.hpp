// Events as one user's device sees them, with `unsigned` and what relates to them. Internal to
// services: pages of history and the timelines of /sync are made of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "matrix/event.hpp"
#include "matrix/room_version.hpp"
#include "service/rooms/rooms.hpp"
#include "service/rooms/visibility.hpp"
#include "sql/connection.hpp"
#include "store/changes.hpp"

namespace gims::service::rooms {

// An event with what the table says beside the PDU.
struct StoredEvent {
  store::StreamId position = 0;
  matrix::EventPtr event;
  std::optional<std::string> redacted_by;
  std::optional<std::string> replaces_state;
  std::optional<std::string> device_id;
  std::optional<std::string> txn_id;
};

// A row of any statement that gives an event.
template <class Row>
[[nodiscard]] Result<StoredEvent> stored_event(const matrix::RoomVersion& version, Row&& row) {
  GIMS_TRY_ASSIGN(matrix::EventPtr event,
                  matrix::Event::from_store(version, row.event_id, std::move(row.pdu)));
  return StoredEvent{.position = row.stream_id,
                     .event = std::move(event),
                     .redacted_by = std::move(row.redacted_by),
                     .replaces_state = std::move(row.replaces_state),
                     .device_id = std::move(row.device_id),
                     .txn_id = std::move(row.txn_id)};
}

// What a statement that gives events finds first.
template <class Statement>
[[nodiscard]] Result<std::optional<StoredEvent>> first_event(sql::Connection& connection,
                                                             const matrix::RoomVersion& version,
                                                             const Statement& statement) {
  GIMS_TRY_ASSIGN(auto row, sql::first(connection, statement));
  if (!row) return std::nullopt;
  GIMS_TRY_ASSIGN(StoredEvent event, stored_event(version, std::move(*row)));
  return event;
}

// Short-lived: all that it is made of is borrowed. One thread.
class EventView {
 public:
  // Without `now` there is no unsigned.age.
  EventView(sql::Connection& connection, store::RoomNid nid, const matrix::RoomVersion& version,
            const Actor& viewer, const Visibility& visibility, std::optional<Millis> now) noexcept
      : connection_(connection),
        nid_(nid),
        version_(version),
        viewer_(viewer),
        visibility_(visibility),
        now_(now) {}

  [[nodiscard]] Result<> append(std::string& out, const StoredEvent& event);
  // "m.relations":{...}, a member of `unsigned`, or empty (spec: client-server API, "Aggregations
  // of child events").
  [[nodiscard]] Result<std::string> relations(const StoredEvent& event);

 private:
  enum class Bundle : bool { no, yes };
  [[nodiscard]] bool sees(const StoredEvent& event) const;
  [[nodiscard]] Result<> append(std::string& out, const StoredEvent& event, Bundle bundle);
  [[nodiscard]] Result<> append_thread(std::string& out, const StoredEvent& root,
                                       std::int64_t replies, store::StreamId latest);
  template <class Statement>
  [[nodiscard]] Result<std::optional<StoredEvent>> event(const Statement& statement) {
    return first_event(connection_, version_, statement);
  }

  sql::Connection& connection_;
  const store::RoomNid nid_;
  const matrix::RoomVersion& version_;
  const Actor& viewer_;
  const Visibility& visibility_;
  const std::optional<Millis> now_;
};

}  // namespace gims::service::rooms
