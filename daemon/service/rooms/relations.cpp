// What relates to an event, and the threads of a room (spec: client-server API, "Relationship
// types", "Threading").
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

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

constexpr std::int64_t default_limit = 20;
constexpr std::int64_t most_events = 100;
constexpr std::int64_t most_rows = 2000;
// Spec: at least 3 levels SHOULD be walked.
constexpr int most_levels = 3;

std::size_t clamp_limit(std::optional<std::int64_t> limit) {
  return static_cast<std::size_t>(
      std::clamp(limit.value_or(default_limit), std::int64_t{1}, most_events));
}

struct Range {
  store::StreamId above;
  store::StreamId up_to;
};

// The events that relate to one, in the direction, at most `most_rows`.
Result<std::vector<StoredEvent>> children_of(RoomView& room, std::string_view event_id,
                                             Direction direction, Range range) {
  if (direction == Direction::forward) {
    return room.events(sql_of::RelationsForward{
        .relates_to = event_id, .after = range.above, .upto = range.up_to, .how_many = most_rows});
  }
  return room.events(sql_of::RelationsBackward{
      .relates_to = event_id, .upto = range.up_to, .after = range.above, .how_many = most_rows});
}

struct Found {
  std::vector<StoredEvent> events;
  int levels = 0;
  // The last row of a walk that was cut short; more lies behind it.
  std::optional<store::StreamId> cut = {};
};

// All that relates to the event, or to what relates to it, and so on. Parents come before their
// children in a room, so that the range of positions holds for every level.
Result<Found> descendants_of(RoomView& room, const RelationsQuery& query, Range range) {
  Found found;
  std::set<std::string> seen = {query.event_id};
  std::vector<std::string> parents = {query.event_id};
  const int levels = query.recurse.value_or(false) ? most_levels : 1;
  const Range whole{.above = 0, .up_to = Visibility::now};
  while (!parents.empty() && found.levels < levels) {
    ++found.levels;
    std::vector<std::string> next;
    for (const std::string& parent : parents) {
      // A child outside of the range may have children inside of it.
      GIMS_TRY_ASSIGN(auto children,
                      children_of(room, parent, query.direction, levels == 1 ? range : whole));
      if (levels == 1 && children.size() == static_cast<std::size_t>(most_rows)) {
        found.cut = children.back().position;
      }
      for (StoredEvent& child : children) {
        if (!seen.insert(child.event->event_id()).second) continue;
        next.push_back(child.event->event_id());
        if (child.position > range.above && child.position <= range.up_to) {
          found.events.push_back(std::move(child));
        }
      }
      if (seen.size() > static_cast<std::size_t>(most_rows)) break;
    }
    parents = std::move(next);
  }
  if (levels > 1) {
    std::ranges::sort(found.events, std::ranges::less(), &StoredEvent::position);
    if (query.direction == Direction::backward) std::ranges::reverse(found.events);
  }
  return found;
}

bool matches(const RelationsQuery& query, const RoomView& room, const StoredEvent& event) {
  if (event.event->room_id() != room.room_id() || !room.sees(event)) return false;
  if (query.event_type && event.event->type() != *query.event_type) return false;
  return !query.rel_type ||
         event.event->content().get("m.relates_to").get("rel_type").as_string() == *query.rel_type;
}

}  // namespace

Result<std::string> RoomReads::relations(const Actor& viewer, std::string_view room_id,
                                         const RelationsQuery& query) {
  auto opened = RoomView::open(store_, clock_, viewer, room_id);
  if (!opened && opened.error().kind == ErrorKind::forbidden) {
    return not_found("There is no such event, or you may not see it.");  // spec: a 404 only
  }
  GIMS_TRY_ASSIGN(RoomView room, std::move(opened));
  GIMS_TRY_ASSIGN(const StoredEvent parent, room.visible_event(query.event_id));
  const bool backward = query.direction == Direction::backward;
  const Range range =
      backward
          ? Range{.above = query.to.value_or(0), .up_to = query.from.value_or(room.snapshot())}
          : Range{.above = query.from.value_or(0), .up_to = query.to.value_or(room.snapshot())};
  const std::size_t limit = clamp_limit(query.limit);
  GIMS_TRY_ASSIGN(Found found, descendants_of(room, query, range));
  std::vector<StoredEvent> page;
  std::optional<store::StreamId> last = found.cut;
  for (StoredEvent& event : found.events) {
    if (!matches(query, room, event)) continue;
    if (page.size() == limit) {
      last = page.back().position;
      break;
    }
    page.push_back(std::move(event));
  }
  std::string out = "{\"chunk\":";
  GIMS_TRY(room.append_list(out, page));
  if (last) {
    out.append(",\"next_batch\":").append(json::quoted(format_place(backward ? *last - 1 : *last)));
  }
  if (query.from) out.append(",\"prev_batch\":").append(json::quoted(format_place(*query.from)));
  if (query.recurse) out.append(",\"recursion_depth\":").append(std::to_string(found.levels));
  out.push_back('}');
  return out;
}

Result<std::string> RoomReads::threads(const Actor& viewer, std::string_view room_id,
                                       const ThreadsQuery& query) {
  GIMS_TRY_ASSIGN(RoomView room, RoomView::open(store_, clock_, viewer, room_id));
  const std::size_t limit = clamp_limit(query.limit);
  // As for places everywhere: at or below the token.
  const store::StreamId from =
      std::min(query.from.value_or(Visibility::now - 1), room.state_position() - 1);
  GIMS_TRY_ASSIGN(
      const auto rows,
      sql::all(room.sql(), sql_of::ThreadsOfRoom{
                               .room_nid = room.nid(), .before = from + 1, .how_many = most_rows}));
  std::vector<StoredEvent> roots;
  bool more = false;
  store::StreamId last = 0;
  for (const auto& row : rows) {
    GIMS_TRY_ASSIGN(auto root, room.event(sql_of::EventById{.event_id = row.root}));
    if (!root || root->event->room_id() != room.room_id() || !room.sees(*root)) continue;
    if (query.only_participated && root->event->sender() != viewer.user_id) {
      GIMS_TRY_ASSIGN(const auto takes_part,
                      sql::first(room.sql(), sql_of::ParticipatesInThread{
                                                 .root = row.root, .user_id = viewer.user_id}));
      if (!takes_part) continue;
    }
    if (roots.size() == limit) {
      more = true;
      break;
    }
    last = row.latest;
    roots.push_back(std::move(*root));
  }
  std::string out = "{\"chunk\":";
  GIMS_TRY(room.append_list(out, roots));
  if (more) out.append(",\"next_batch\":").append(json::quoted(format_place(last - 1)));
  out.push_back('}');
  return out;
}

}  // namespace gims::service::rooms
