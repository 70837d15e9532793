// One user's look at one room, on one snapshot of the store: what they may see of it, and events as
// they see them. Internal to services; api/ calls RoomReads and Directory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "matrix/room_version.hpp"
#include "service/rooms/event_view.hpp"
#include "service/rooms/rooms.hpp"
#include "service/rooms/visibility.hpp"
#include "store/store.hpp"

namespace gims::service::rooms {

// Movable, short-lived: it holds a lease of the store. One thread.
class RoomView {
 public:
  // M_FORBIDDEN, in the same words, for a room that the user may see nothing of and for one that is
  // not there.
  [[nodiscard]] static Result<RoomView> open(store::Store& store, const Clock& clock, Actor viewer,
                                             std::string_view room_id);

  [[nodiscard]] sql::Connection& sql() noexcept { return reader_.sql(); }
  [[nodiscard]] store::StreamId snapshot() const noexcept { return reader_.position(); }
  [[nodiscard]] store::RoomNid nid() const noexcept { return nid_; }
  [[nodiscard]] const std::string& room_id() const noexcept { return room_id_; }
  [[nodiscard]] const matrix::RoomVersion& version() const noexcept { return *version_; }
  [[nodiscard]] const Actor& viewer() const noexcept { return viewer_; }
  [[nodiscard]] const Visibility& visibility() const noexcept { return visibility_; }
  // The room's state is shown as it was here; Visibility::now for as it is.
  [[nodiscard]] store::StreamId state_position() const noexcept { return state_position_; }
  [[nodiscard]] bool sees(const StoredEvent& event) const;

  template <class Statement>
  [[nodiscard]] Result<std::vector<StoredEvent>> events(const Statement& statement) {
    GIMS_TRY_ASSIGN(auto rows, sql::all(sql(), statement));
    std::vector<StoredEvent> events;
    events.reserve(rows.size());
    for (auto& row : rows) {
      GIMS_TRY_ASSIGN(events.emplace_back(), stored_event(*version_, std::move(row)));
    }
    return events;
  }
  template <class Statement>
  [[nodiscard]] Result<std::optional<StoredEvent>> event(const Statement& statement) {
    return first_event(sql(), *version_, statement);
  }
  // An event of this room that the user may see; M_NOT_FOUND for all others.
  [[nodiscard]] Result<StoredEvent> visible_event(std::string_view event_id);
  // The state event in force where the user may look.
  [[nodiscard]] Result<std::optional<StoredEvent>> state_event(std::string_view type,
                                                               std::string_view state_key);

  // The event as this user's device is to see it, with `unsigned` and what is bundled with it.
  [[nodiscard]] Result<> append(std::string& out, const StoredEvent& event);
  // ["...","..."]
  [[nodiscard]] Result<> append_list(std::string& out, const std::vector<StoredEvent>& events);

 private:
  RoomView(store::Reader reader, Millis now, Actor viewer, std::string room_id, store::RoomNid nid,
           const matrix::RoomVersion& version, Visibility visibility,
           store::StreamId state_position) noexcept;
  [[nodiscard]] EventView view() noexcept {
    return {sql(), nid_, *version_, viewer_, visibility_, now_};
  }

  store::Reader reader_;
  Millis now_;
  Actor viewer_;
  std::string room_id_;
  store::RoomNid nid_;
  const matrix::RoomVersion* version_;
  Visibility visibility_;
  store::StreamId state_position_;
};

}  // namespace gims::service::rooms
