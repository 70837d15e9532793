#include "service/rooms/event_view.hpp"

#include <algorithm>
#include <cstddef>

#include "json/text.hpp"
#include "json/writer.hpp"
#include "matrix/client_event.hpp"
#include "store/statements/events.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

bool EventView::sees(const StoredEvent& event) const {
  return visibility_.sees({.position = event.position,
                           .type = event.event->type(),
                           .state_key = event.event->state_key()});
}

Result<> EventView::append(std::string& out, const StoredEvent& event) {
  return append(out, event, Bundle::yes);
}

Result<> EventView::append(std::string& out, const StoredEvent& stored, Bundle bundle) {
  const matrix::Event& event = *stored.event;
  matrix::append_client_event_head(out, event, matrix::RoomIdMember::with);
  out.append(",\"unsigned\":");
  json::Writer writer(out);
  writer.begin_object();
  if (now_) writer.member("age", std::max<std::int64_t>(0, *now_ - event.origin_server_ts()));
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
  if (bundle == Bundle::yes) {
    GIMS_TRY_ASSIGN(const std::string relations, this->relations(stored));
    if (!relations.empty()) out.append(",").append(relations);
  }
  out.append("}}");
  return {};
}

Result<std::string> EventView::relations(const StoredEvent& stored) {
  const matrix::Event& event = *stored.event;
  if (event.is_state()) return std::string();
  GIMS_TRY_ASSIGN(const auto kinds,
                  sql::all(connection_, sql_of::RelationKinds{.relates_to = event.event_id(),
                                                              .room_nid = nid_}));
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
                      sql::all(connection_, sql_of::References{.relates_to = event.event_id(),
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
  return relations.empty() ? relations : "\"m.relations\":{" + relations + "}";
}

Result<> EventView::append_thread(std::string& out, const StoredEvent& root, std::int64_t replies,
                                  store::StreamId latest) {
  GIMS_TRY_ASSIGN(const auto reply, this->event(sql_of::EventAt{.position = latest}));
  if (!reply || !sees(*reply)) return {};
  bool takes_part = root.event->sender() == viewer_.user_id;
  if (!takes_part) {
    GIMS_TRY_ASSIGN(const auto found, sql::first(connection_, sql_of::ParticipatesInThread{
                                                                  .root = root.event->event_id(),
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
