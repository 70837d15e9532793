// A room's history: /messages, /context, /event, /timestamp_to_event.
#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "json/text.hpp"
#include "service/errors.hpp"
#include "service/rooms/room_reads.hpp"
#include "service/rooms/room_view.hpp"
#include "service/tokens.hpp"
#include "store/statements/events.hpp"
#include "store/statements/state.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

constexpr std::int64_t default_limit = 10;
constexpr std::int64_t most_events = 500;
// Rows looked at for one answer: a filter that nothing passes does not read a whole history.
constexpr std::int64_t most_rows = 5000;

std::size_t clamp_limit(std::optional<std::int64_t> limit) {
  return static_cast<std::size_t>(
      std::clamp(limit.value_or(default_limit), std::int64_t{0}, most_events));
}

bool passes(const sync::RoomEventFilter& filter, const matrix::Event& event) {
  return filter.passes_event(event.type(), event.sender(), event.content().get("url").is_string());
}

struct Page {
  std::vector<StoredEvent> events;
  store::StreamId last = 0;  // the last row that was looked at
  bool at_end = false;       // nothing more lies in the range
};

// (above, up_to] in either direction, with what the user may see and the filter lets pass.
Result<Page> read_page(RoomView& room, Direction direction, store::StreamId above,
                       store::StreamId up_to, std::size_t limit,
                       const sync::RoomEventFilter& filter) {
  Page page;
  page.last = direction == Direction::forward ? above : up_to + 1;
  std::int64_t rows = 0;
  while (page.events.size() < limit && rows < most_rows && !page.at_end) {
    const auto want =
        static_cast<std::int64_t>(std::clamp<std::size_t>(limit - page.events.size() + 1, 20, 200));
    std::vector<StoredEvent> batch;
    if (direction == Direction::forward) {
      GIMS_TRY_ASSIGN(
          batch, room.events(sql_of::EventsForward{
                     .room_nid = room.nid(), .after = page.last, .upto = up_to, .how_many = want}));
    } else {
      GIMS_TRY_ASSIGN(
          batch,
          room.events(sql_of::EventsBackward{
              .room_nid = room.nid(), .upto = page.last - 1, .after = above, .how_many = want}));
    }
    const bool is_last_batch = static_cast<std::int64_t>(batch.size()) < want;
    std::size_t used = 0;
    for (StoredEvent& event : batch) {
      if (page.events.size() == limit) break;
      ++used;
      page.last = event.position;
      if (room.sees(event) && passes(filter, *event.event)) page.events.push_back(std::move(event));
    }
    rows += static_cast<std::int64_t>(used);
    page.at_end = is_last_batch && used == batch.size();
  }
  return page;
}

// The member events of the senders, as they were at the position (spec: "Lazy-loading room
// members").
Result<std::vector<StoredEvent>> members_for(RoomView& room, const std::set<std::string>& senders,
                                             store::StreamId position) {
  std::vector<StoredEvent> members;
  for (const std::string& sender : senders) {
    GIMS_TRY_ASSIGN(auto member, room.event(sql_of::StateEventAt{.room_nid = room.nid(),
                                                                 .type = "m.room.member",
                                                                 .state_key = sender,
                                                                 .upto = position}));
    if (member) members.push_back(std::move(*member));
  }
  return members;
}

std::set<std::string> senders_of(const std::vector<StoredEvent>& events) {
  std::set<std::string> senders;
  for (const StoredEvent& event : events) senders.emplace(event.event->sender());
  return senders;
}

}  // namespace

Result<std::string> RoomReads::messages(const Actor& viewer, std::string_view room_id,
                                        const MessagesQuery& query) {
  GIMS_TRY_ASSIGN(RoomView room, RoomView::open(store_, clock_, viewer, room_id));
  const bool backward = query.direction == Direction::backward;
  // Who has left sees nothing after that, so that nothing after it need be looked at.
  const store::StreamId newest = std::min(room.snapshot(), room.state_position());
  const store::StreamId from = query.from.value_or(backward ? newest : 0);
  const store::StreamId above = backward ? query.to.value_or(0) : from;
  const store::StreamId up_to =
      std::min(newest, backward ? from : query.to.value_or(Visibility::now));
  const std::size_t limit = clamp_limit(query.limit ? query.limit : query.filter.limit);
  Page page{.events = {}, .last = backward ? up_to + 1 : above, .at_end = true};
  if (query.filter.passes_any() && query.filter.passes_room(room_id)) {
    GIMS_TRY_ASSIGN(page, read_page(room, query.direction, above, up_to, limit, query.filter));
  }
  std::string out = "{\"start\":" + json::quoted(format_place(from)) + ",\"chunk\":";
  GIMS_TRY(room.append_list(out, page.events));
  if (!page.at_end) {
    out.append(",\"end\":")
        .append(json::quoted(format_place(backward ? page.last - 1 : page.last)));
  }
  if (query.filter.lazy_load_members && !page.events.empty()) {
    GIMS_TRY_ASSIGN(const auto members,
                    members_for(room, senders_of(page.events), page.events.front().position));
    out.append(",\"state\":");
    GIMS_TRY(room.append_list(out, members));
  }
  out.push_back('}');
  return out;
}

Result<std::string> RoomReads::context(const Actor& viewer, std::string_view room_id,
                                       const ContextQuery& query) {
  GIMS_TRY_ASSIGN(RoomView room, RoomView::open(store_, clock_, viewer, room_id));
  GIMS_TRY_ASSIGN(const StoredEvent event, room.visible_event(query.event_id));
  const std::size_t limit = clamp_limit(query.limit ? query.limit : query.filter.limit);
  const store::StreamId newest = std::min(room.snapshot(), room.state_position());
  Page before{.events = {}, .last = event.position, .at_end = true};
  Page after{.events = {}, .last = event.position, .at_end = true};
  if (query.filter.passes_any() && query.filter.passes_room(room_id)) {
    GIMS_TRY_ASSIGN(before, read_page(room, Direction::backward, 0, event.position - 1, limit / 2,
                                      query.filter));
    GIMS_TRY_ASSIGN(after, read_page(room, Direction::forward, event.position, newest,
                                     limit - (limit / 2), query.filter));
  }
  const store::StreamId last = after.events.empty() ? event.position : after.events.back().position;
  std::set<std::string> senders = senders_of(before.events);
  senders.merge(senders_of(after.events));
  senders.emplace(event.event->sender());

  GIMS_TRY_ASSIGN(auto state, room.events(sql_of::StateAt{.room_nid = room.nid(), .upto = last}));
  std::erase_if(state, [&](const StoredEvent& entry) {
    if (query.filter.lazy_load_members && entry.event->type() == "m.room.member") {
      return !senders.contains(std::string(*entry.event->state_key()));
    }
    return !passes(query.filter, *entry.event);
  });

  std::string out = "{\"start\":" + json::quoted(format_place(before.last - 1)) +
                    ",\"end\":" + json::quoted(format_place(after.last)) + ",\"event\":";
  GIMS_TRY(room.append(out, event));
  out.append(",\"events_before\":");
  GIMS_TRY(room.append_list(out, before.events));
  out.append(",\"events_after\":");
  GIMS_TRY(room.append_list(out, after.events));
  out.append(",\"state\":");
  GIMS_TRY(room.append_list(out, state));
  out.push_back('}');
  return out;
}

namespace {

// For the answers that know a 404 only: a room that is hidden is one without the event.
template <class T>
Result<T> hidden_as_absent(Result<T> result) {
  if (!result && result.error().kind == ErrorKind::forbidden) {
    return not_found("There is no such event, or you may not see it.");
  }
  return result;
}

}  // namespace

Result<std::string> RoomReads::event(const Actor& viewer, std::string_view room_id,
                                     std::string_view event_id) {
  GIMS_TRY_ASSIGN(RoomView room, hidden_as_absent(RoomView::open(store_, clock_, viewer, room_id)));
  GIMS_TRY_ASSIGN(const StoredEvent event, room.visible_event(event_id));
  std::string out;
  GIMS_TRY(room.append(out, event));
  return out;
}

Result<> RoomReads::check_reportable(const Actor& viewer, std::string_view room_id,
                                     std::string_view event_id) {
  GIMS_TRY_ASSIGN(RoomView room, hidden_as_absent(RoomView::open(store_, clock_, viewer, room_id)));
  if (!room.visibility().is_joined()) {
    return not_found("There is no such event, or you are not in its room.");
  }
  GIMS_TRY(room.visible_event(event_id));
  return {};
}

// By halving: this server gives the events of a room their times in the order of their positions,
// but for a clock that was set back, and there the nearest is any near one.
Result<std::string> RoomReads::event_near(const Actor& viewer, std::string_view room_id, Millis ts,
                                          Direction direction) {
  GIMS_TRY_ASSIGN(RoomView room, RoomView::open(store_, clock_, viewer, room_id));
  const bool forward = direction == Direction::forward;
  const store::StreamId newest = std::min(room.snapshot(), room.state_position());
  // The first position whose event is at `ts` or later (forward), or later than it (backward).
  store::StreamId low = 1;
  store::StreamId high = newest + 1;
  while (low < high) {
    const store::StreamId middle = low + ((high - low) / 2);
    GIMS_TRY_ASSIGN(
        const auto probe,
        sql::first(room.sql(), sql_of::EventTimeFrom{.room_nid = room.nid(), .position = middle}));
    if (!probe || (forward ? probe->origin_ts >= ts : probe->origin_ts > ts)) {
      high = middle;
    } else {
      low = probe->stream_id + 1;
    }
  }
  store::StreamId position = forward ? low : low - 1;
  for (std::int64_t rows = 0; rows < most_rows; ++rows) {
    std::optional<sql_of::EventTimeFrom::Row> row;
    if (forward) {
      GIMS_TRY_ASSIGN(row, sql::first(room.sql(), sql_of::EventTimeFrom{.room_nid = room.nid(),
                                                                        .position = position}));
    } else {
      GIMS_TRY_ASSIGN(auto found,
                      sql::first(room.sql(), sql_of::EventTimeUpTo{.room_nid = room.nid(),
                                                                   .position = position}));
      if (found) {
        row = sql_of::EventTimeFrom::Row{.stream_id = found->stream_id,
                                         .event_id = std::move(found->event_id),
                                         .type = std::move(found->type),
                                         .state_key = std::move(found->state_key),
                                         .origin_ts = found->origin_ts};
      }
    }
    if (!row) break;
    if (room.visibility().sees(
            {.position = row->stream_id, .type = row->type, .state_key = row->state_key})) {
      return "{\"event_id\":" + json::quoted(row->event_id) +
             ",\"origin_server_ts\":" + std::to_string(row->origin_ts) + "}";
    }
    position = forward ? row->stream_id + 1 : row->stream_id - 1;
  }
  return not_found("There is no event at that time that you may see.");
}

}  // namespace gims::service::rooms
