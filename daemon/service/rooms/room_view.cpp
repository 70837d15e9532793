#include "service/rooms/room_view.hpp"

#include <algorithm>

#include "json/text.hpp"
#include "json/writer.hpp"
#include "matrix/client_event.hpp"
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
  return append(out, event, Bundle::yes);
}

Result<> RoomView::append_list(std::string& out, const std::vector<StoredEvent>& events) {
  out.push_back('[');
  bool first = true;
  for (const StoredEvent& event : events) {
    if (!std::exchange(first, false)) out.push_back(',');
    GIMS_TRY(append(out, event));
  }
  out.push_back(']');
  return {};
}

Result<> RoomView::append(std::string& out, const StoredEvent& stored, Bundle bundle) {
  const matrix::Event& event = *stored.event;
  matrix::append_client_event_head(out, event, matrix::RoomIdMember::with);
  out.append(",\"unsigned\":");
  json::Writer writer(out);
  writer.begin_object().member("age", std::max<std::int64_t>(0, now_ - event.origin_server_ts()));
  writer.member("membership", visibility_.membership_at(stored.position));
  if (stored.txn_id && stored.device_id == viewer_.device_id && event.sender() == viewer_.user_id) {
    writer.member("transaction_id", *stored.txn_id);
  }
  if (stored.replaces_state) {
    GIMS_TRY_ASSIGN(const auto replaced,
                    this->event(sql_of::EventById{.event_id = *stored.replaces_state}));
    // What was before may lie in a time that the user must not see.
    if (replaced && sees(*replaced)) {
      writer.raw_member("prev_content", replaced->event->content_bytes());
      writer.member("replaces_state", *stored.replaces_state);
    }
  }
  if (stored.redacted_by) {
    GIMS_TRY_ASSIGN(const auto redaction,
                    this->event(sql_of::EventById{.event_id = *stored.redacted_by}));
    if (redaction) {
      writer.raw_member("redacted_because",
                        matrix::client_event(*redaction->event, matrix::RoomIdMember::with));
    }
  }
  if (bundle == Bundle::yes && !event.is_state()) GIMS_TRY(append_relations(out, stored));
  out.append("}}");
  return {};
}

Result<> RoomView::append_relations(std::string& out, const StoredEvent& stored) {
  const matrix::Event& event = *stored.event;
  GIMS_TRY_ASSIGN(
      const auto kinds,
      sql::all(sql(), sql_of::RelationKinds{.relates_to = event.event_id(), .room_nid = nid_}));
  if (kinds.empty()) return {};
  std::string relations;
  for (const auto& kind : kinds) {
    const std::size_t before = relations.size();
    if (before != 0) relations.push_back(',');
    const std::size_t start = relations.size();
    if (kind.rel_type == "m.thread") {
      GIMS_TRY(append_thread(relations, stored, kind.how_many, kind.latest));
    } else if (kind.rel_type == "m.replace" && !stored.redacted_by) {
      GIMS_TRY_ASSIGN(const auto edit,
                      this->event(sql_of::LatestReplacement{.relates_to = event.event_id(),
                                                            .room_nid = nid_,
                                                            .sender = event.sender(),
                                                            .type = event.type()}));
      if (edit && sees(*edit)) {
        relations.append("\"m.replace\":");
        GIMS_TRY(append(relations, *edit, Bundle::no));
      }
    } else if (kind.rel_type == "m.reference" && !stored.redacted_by) {
      constexpr std::int64_t most_references = 100;
      GIMS_TRY_ASSIGN(const auto rows,
                      sql::all(sql(), sql_of::References{.relates_to = event.event_id(),
                                                         .room_nid = nid_,
                                                         .how_many = most_references}));
      json::Writer list;
      list.begin_object().key("chunk").begin_array();
      for (const auto& row : rows) {
        if (!visibility_.sees({.position = row.stream_id, .type = row.type, .state_key = {}})) {
          continue;
        }
        list.begin_object().member("event_id", row.event_id).end_object();
      }
      list.end_array().end_object();
      relations.append("\"m.reference\":").append(list.text());
    }
    if (relations.size() == start) relations.resize(before);
  }
  if (!relations.empty()) out.append(",\"m.relations\":{").append(relations).append("}");
  return {};
}

Result<> RoomView::append_thread(std::string& out, const StoredEvent& root, std::int64_t replies,
                                 store::StreamId latest) {
  GIMS_TRY_ASSIGN(const auto reply, this->event(sql_of::EventAt{.position = latest}));
  if (!reply || !sees(*reply)) return {};
  bool takes_part = root.event->sender() == viewer_.user_id;
  if (!takes_part) {
    GIMS_TRY_ASSIGN(const auto found,
                    sql::first(sql(), sql_of::ParticipatesInThread{.root = root.event->event_id(),
                                                                   .user_id = viewer_.user_id}));
    takes_part = found.has_value();
  }
  out.append("\"m.thread\":{\"latest_event\":");
  GIMS_TRY(append(out, *reply, Bundle::no));
  out.append(",\"count\":").append(std::to_string(replies));
  out.append(",\"current_user_participated\":").append(takes_part ? "true}" : "false}");
  return {};
}

}  // namespace gims::service::rooms
