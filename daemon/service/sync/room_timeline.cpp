// Which events of a room a reply tells.
#include <algorithm>
#include <utility>

#include "service/rooms/event_view.hpp"
#include "service/sync/room_section.hpp"

namespace gims::service::sync {

bool RoomSections::Timeline::has(store::StreamId position) const {
  return std::ranges::binary_search(items, position, {},
                                    [](const ItemPtr& item) { return item->position(); });
}

bool RoomSections::passes(const Item& item) const {
  const RoomEventFilter& filter = request_.filter->timeline;
  const matrix::Event& event = *item.event();
  // Ignored users still change the room's state (spec: "Ignoring Users").
  if (!event.is_state() && user_data_.ignores(event.sender())) return false;
  return filter.passes_event(event.type(), event.sender(),
                             filter.contains_url.has_value() && item.has_url());
}

bool RoomSections::sees(const rooms::Visibility& visibility, const matrix::Event& event,
                        store::StreamId position) const {
  // Who refuses an invitation is told so, though the room's history is closed to them.
  if (event.is_state("m.room.member", request_.user_id)) return true;
  return visibility.sees(
      {.position = position, .type = event.type(), .state_key = event.state_key()});
}

Result<RoomSections::Timeline> RoomSections::timeline(const RoomNews& news, const Range& range) {
  Timeline timeline;
  timeline.prev_batch = range.up_to;
  const RoomEventFilter& filter = request_.filter->timeline;
  const std::size_t limit = request_.filter->timeline_limit();
  if (news.last_event <= range.above) return timeline;
  if (!filter.passes_room(news.room_id) || !filter.passes_any()) {
    timeline.skipped = true;
    timeline.limited = filter.passes_room(news.room_id) && limit == 0;
    return timeline;
  }
  std::vector<ItemPtr> page;  // newest first
  store::StreamId below = range.up_to;
  bool more = true;
  std::size_t scanned = 0;
  // Memory has all of the range or none of it.
  if (news.events_complete) {
    page.assign(news.events.rbegin(), news.events.rend());
    more = false;
  }
  for (std::size_t next = 0;; ++next) {
    if (next == page.size()) {
      if (!more) break;
      const std::size_t size = limit + 1;
      GIMS_TRY_ASSIGN(page, reads_.events(news.nid, *news.version, range.above, below, size));
      more = page.size() == size;
      next = 0;
      if (page.empty()) break;
      below = page.back()->position() - 1;
    }
    const Item& item = *page[next];
    const bool visible =
        range.visibility == nullptr || sees(*range.visibility, *item.event(), item.position());
    if (!visible && item.event()->is_state()) {
      // Were the timeline to go on beyond it, what came before would seem to take its place.
      timeline.limited = true;
      timeline.skipped = true;
      timeline.prev_batch = item.position();
      break;
    }
    // All that relates to an event came after it, so it has been passed here when that is reached.
    if (const auto target = matrix::relation_of(*item.event()).target) {
      timeline.related.emplace(*target);
    }
    if (!visible || !passes(item)) {
      timeline.skipped = true;
      if (++scanned == most_scanned) {
        timeline.limited = true;
        timeline.prev_batch = item.position() - 1;
        break;
      }
      continue;
    }
    if (timeline.items.size() == limit) {
      timeline.limited = true;
      timeline.skipped = true;
      break;
    }
    timeline.items.push_back(page[next]);
  }
  std::ranges::reverse(timeline.items);
  if (!timeline.items.empty()) timeline.prev_batch = timeline.items.front()->position() - 1;
  return timeline;
}

// Moves it into the section, with what relates to its events where the spec has that in /sync: a
// client with a gap may lack the events that relate.
Result<> RoomSections::take_timeline(const RoomNews& news, Timeline& timeline,
                                     RoomSection& section) {
  section.timeline = std::move(timeline.items);
  section.limited = timeline.limited;
  section.prev_batch = timeline.prev_batch;
  if (!timeline.limited || timeline.related.empty()) return {};
  const rooms::Actor reader{.user_id = request_.user_id, .device_id = request_.device_id};
  std::optional<rooms::Visibility> loaded;
  for (const ItemPtr& item : section.timeline) {
    if (!timeline.related.contains(item->event()->event_id())) continue;
    GIMS_TRY_ASSIGN(auto* connection, reads_.sql());
    if (!section.visibility && !loaded) {
      GIMS_TRY_ASSIGN(loaded, rooms::Visibility::load(*connection, news.nid, request_.user_id));
    }
    rooms::EventView view(*connection, news.nid, *news.version, reader,
                          section.visibility ? *section.visibility : *loaded, std::nullopt);
    rooms::StoredEvent stored;
    stored.position = item->position();
    stored.event = item->event();
    stored.redacted_by = item->redacted_by();
    GIMS_TRY_ASSIGN(std::string relations, view.relations(stored));
    if (!relations.empty()) section.relations.emplace(item->position(), std::move(relations));
  }
  return {};
}

}  // namespace gims::service::sync
