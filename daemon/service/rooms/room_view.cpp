#include "service/rooms/room_view.hpp"

#include "service/errors.hpp"
#include "service/rooms/timeline.hpp"
#include "store/statements/events.hpp"
#include "store/statements/memberships.hpp"
#include "store/statements/rooms.hpp"
#include "store/statements/state.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

RoomView::RoomView(store::Reader reader, Millis now, Actor viewer, std::string room_id,
                   store::RoomNid nid, const matrix::RoomVersion& version, Visibility visibility,
                   store::StreamId state_position) noexcept
    : reader_(std::move(reader)),
      now_(now),
      viewer_(std::move(viewer)),
      room_id_(std::move(room_id)),
      nid_(nid),
      version_(&version),
      visibility_(std::move(visibility)),
      state_position_(state_position) {}

Result<RoomView> RoomView::open(store::Store& store, const Clock& clock, Actor viewer,
                                std::string_view room_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, store.read());
  GIMS_TRY_ASSIGN(const auto row, sql::first(reader.sql(), sql_of::RoomById{.room_id = room_id}));
  if (!row) return forbidden(not_in_room);
  const matrix::RoomVersion* version = matrix::find_room_version(row->version);
  if (version == nullptr) {
    return fail(ErrorKind::internal, "M_UNKNOWN", "This room cannot be read.",
                "room " + std::string(room_id) + " has an unknown version");
  }
  GIMS_TRY_ASSIGN(Visibility visibility,
                  Visibility::load(reader.sql(), row->room_nid, viewer.user_id));
  auto position = visibility.state_position();
  if (position && !visibility.is_joined() && !visibility.is_world_readable()) {
    GIMS_TRY_ASSIGN(const auto membership,
                    sql::first(reader.sql(), sql_of::MembershipOf{.user_id = viewer.user_id,
                                                                  .room_nid = row->room_nid}));
    if (!membership || membership->forgotten != 0) position.reset();
  }
  if (!position) return forbidden(not_in_room);
  return RoomView(std::move(reader), clock.now_ms(), std::move(viewer), std::string(room_id),
                  row->room_nid, *version, std::move(visibility), *position);
}

bool RoomView::sees(const StoredEvent& event) const {
  return visibility_.sees({.position = event.position,
                           .type = event.event->type(),
                           .state_key = event.event->state_key()});
}

Result<StoredEvent> RoomView::visible_event(std::string_view event_id) {
  const auto absent = [] { return not_found("There is no such event, or you may not see it."); };
  GIMS_TRY_ASSIGN(auto row, sql::first(sql(), sql_of::EventById{.event_id = event_id}));
  if (!row || row->room_nid != nid_) return absent();
  GIMS_TRY_ASSIGN(StoredEvent event, stored_event(*version_, std::move(*row)));
  if (!sees(event)) return absent();
  return event;
}

Result<std::optional<StoredEvent>> RoomView::state_event(std::string_view type,
                                                         std::string_view state_key) {
  if (state_position_ == Visibility::now) {
    return event(sql_of::CurrentStateEvent{.room_nid = nid_, .type = type, .state_key = state_key});
  }
  return event(sql_of::StateEventAt{
      .room_nid = nid_, .type = type, .state_key = state_key, .upto = state_position_});
}

Result<> RoomView::append(std::string& out, const StoredEvent& event) {
  return view().append(out, event);
}

Result<> RoomView::append_list(std::string& out, const std::vector<StoredEvent>& events) {
  out.push_back('[');
  bool first = true;
  EventView view = this->view();
  for (const StoredEvent& event : events) {
    if (!std::exchange(first, false)) out.push_back(',');
    GIMS_TRY(view.append(out, event));
  }
  out.push_back(']');
  return {};
}

}  // namespace gims::service::rooms
