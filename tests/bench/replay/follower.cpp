#include "bench/replay/follower.hpp"

#include <utility>

namespace gims::bench {
namespace {

// As much as the spec's clients ask for at a time when they fetch what is missing.
constexpr int page_size = 100;

}  // namespace

Fingerprint fingerprint_of(json::Value event) {
  return fingerprint(event.get("event_id").string_or(""),
                     event.get("content").get("session_id").string_or(""));
}

std::string messages_path(std::string_view room_id, char direction, std::string_view from,
                          std::string_view to, int limit) {
  std::string path = "/_matrix/client/v3/rooms/" + encoded(room_id) + "/messages?dir=";
  path.push_back(direction);
  path.append("&limit=").append(std::to_string(limit));
  if (!from.empty()) path.append("&from=").append(encoded(from));
  if (!to.empty()) path.append("&to=").append(encoded(to));
  return path;
}

void Follower::look(std::chrono::milliseconds timeout, Done done) {
  ++looks_;
  look_ = {};
  done_ = std::move(done);
  std::string path = "/_matrix/client/v3/sync?timeout=" + std::to_string(timeout.count());
  if (!filter_.empty()) path.append("&filter=").append(encoded(filter_));
  if (!since_.empty()) path.append("&since=").append(encoded(since_));
  device_.ask_json("GET", path, {}, [this](json::Value news) { on_news(news); });
}

Fingerprint Follower::take(json::Value event) {
  if (on_label_) on_label_(event.get("content").get("session_id").string_or(""));
  ++look_.events;
  return fingerprint_of(event);
}

void Follower::on_news(json::Value news) {
  next_ = news.get("next_batch").string_or("");
  if (next_.empty()) give_up("a sync without next_batch");
  for (const json::Value message : news.get("to_device").get("events").array()) {
    const std::string_view label = message.get("content").get("session_id").string_or("");
    ledger_.seen_to_device(reader_, fingerprint({}, label));
  }
  for (const auto [room_id, content] : news.get("rooms").get("join").object()) {
    on_room(room_id, content);
  }
  fill();
}

void Follower::on_room(std::string_view room_id, json::Value content) {
  const auto room = rooms_.find(room_id);
  if (room == rooms_.end()) return;  // not of this replay
  const json::Value timeline = content.get("timeline");
  std::vector<Fingerprint> events;
  for_each_message(timeline.get("events"), [&](json::Value event) {
    events.push_back(take(event));
    look_.room = room_id;
    look_.last_event = event.get("event_id").string_or("");
  });
  // A device that is new begins with what it is given.
  if (timeline.get("limited").bool_or(false) && !since_.empty()) {
    gaps_.push_back({.room_id = std::string(room_id),
                     .room = room->second,
                     .from = std::string(timeline.get("prev_batch").string_or("")),
                     .fetched = {},
                     .timeline = std::move(events)});
    return;
  }
  for (const Fingerprint event : events) ledger_.seen(reader_, room->second, event);
}

// Backwards from where the timeline begins to where the last look ended, as clients do.
void Follower::fill() {
  if (gaps_.empty()) return end();
  ++pages_;
  const Gap& gap = gaps_.front();
  device_.ask_json("GET", messages_path(gap.room_id, 'b', gap.from, since_, page_size), {},
                   [this](json::Value page) {
                     Gap& filled = gaps_.front();
                     for_each_message(page.get("chunk"), [&](json::Value event) {
                       filled.fetched.push_back(take(event));
                     });
                     filled.from = page.get("end").string_or("");
                     if (!filled.from.empty()) return fill();
                     for (std::size_t i = filled.fetched.size(); i-- > 0;) {
                       ledger_.seen(reader_, filled.room, filled.fetched[i]);
                     }
                     for (const Fingerprint event : filled.timeline) {
                       ledger_.seen(reader_, filled.room, event);
                     }
                     gaps_.pop_front();
                     fill();
                   });
}

void Follower::end() {
  since_ = next_;
  std::exchange(done_, nullptr)(look_);
}

}  // namespace gims::bench
