#include "service/sync/filter.hpp"

#include <algorithm>
#include <utility>

#include "json/fields.hpp"

namespace gims::service::sync {
namespace {

using Names = std::vector<std::string>;

// Entries of all lists of one filter together: each event is compared with each of them.
constexpr std::size_t most_entries = 1024;

bool contains(const Names& names, std::string_view name) noexcept {
  return std::ranges::find(names, name) != names.end();
}

bool contains_pattern(const Names& patterns, std::string_view name) noexcept {
  return std::ranges::any_of(
      patterns, [&](const std::string& pattern) { return matches_wildcard(pattern, name); });
}

class Parser {
 public:
  Result<std::optional<Names>> names(json::Value object, std::string_view field) {
    if (const json::Value value = object.get(field); !value || value.is_null()) return std::nullopt;
    GIMS_TRY_ASSIGN(const auto views, json::optional_strings(object, field));
    entries_ += views.size();
    if (entries_ > most_entries) {
      return fail(ErrorKind::bad_input, "M_BAD_JSON", "The filter has too many entries.");
    }
    return Names(views.begin(), views.end());
  }

  Result<Names> excluded(json::Value object, std::string_view field) {
    GIMS_TRY_ASSIGN(auto list, names(object, field));
    return list ? std::move(*list) : Names();
  }

  Result<> event_filter(json::Value object, EventFilter& filter) {
    GIMS_TRY_ASSIGN(filter.types, names(object, "types"));
    GIMS_TRY_ASSIGN(filter.not_types, excluded(object, "not_types"));
    GIMS_TRY_ASSIGN(filter.senders, names(object, "senders"));
    GIMS_TRY_ASSIGN(filter.not_senders, excluded(object, "not_senders"));
    GIMS_TRY_ASSIGN(filter.limit, json::optional_int(object, "limit"));
    if (filter.limit && *filter.limit < 0) {
      return std::unexpected(json::wrong_type("limit", "a number greater than 0"));
    }
    return {};
  }

  Result<> room_event_filter(json::Value object, RoomEventFilter& filter) {
    GIMS_TRY(event_filter(object, filter));
    GIMS_TRY_ASSIGN(filter.rooms, names(object, "rooms"));
    GIMS_TRY_ASSIGN(filter.not_rooms, excluded(object, "not_rooms"));
    GIMS_TRY_ASSIGN(filter.contains_url, json::optional_bool(object, "contains_url"));
    GIMS_TRY(flag(object, "lazy_load_members", filter.lazy_load_members));
    GIMS_TRY(flag(object, "include_redundant_members", filter.include_redundant_members));
    GIMS_TRY(flag(object, "unread_thread_notifications", filter.unread_thread_notifications));
    return {};
  }

  Result<> flag(json::Value object, std::string_view field, bool& truth) {
    GIMS_TRY_ASSIGN(const auto given, json::optional_bool(object, field));
    truth = given.value_or(false);
    return {};
  }

 private:
  std::size_t entries_ = 0;
};

}  // namespace

bool matches_wildcard(std::string_view pattern, std::string_view text) noexcept {
  // Greedy with one point to come back to: linear in pattern times text, never exponential.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool EventFilter::passes_type(std::string_view type) const noexcept {
  if (contains_pattern(not_types, type)) return false;
  return !types || contains_pattern(*types, type);
}

bool EventFilter::passes_sender(std::string_view sender) const noexcept {
  if (contains(not_senders, sender)) return false;
  return !senders || contains(*senders, sender);
}

bool EventFilter::passes_any() const noexcept { return passes_any_kind() && limit != 0; }

bool EventFilter::passes_any_kind() const noexcept {
  return (!types || !types->empty()) && (!senders || !senders->empty());
}

Result<RoomEventFilter> RoomEventFilter::parse(json::Value object) {
  GIMS_TRY(json::require_object(object));
  RoomEventFilter filter;
  Parser parser;
  GIMS_TRY(parser.room_event_filter(object, filter));
  return filter;
}

bool RoomEventFilter::passes_room(std::string_view room_id) const noexcept {
  if (contains(not_rooms, room_id)) return false;
  return !rooms || contains(*rooms, room_id);
}

bool RoomEventFilter::passes_event(std::string_view type, std::string_view sender,
                                   bool has_url) const noexcept {
  if (contains_url && *contains_url != has_url) return false;
  return passes_type(type) && passes_sender(sender);
}

Result<Filter> Filter::parse(json::Value object) {
  GIMS_TRY(json::require_object(object));
  Filter filter;
  Parser parser;
  GIMS_TRY_ASSIGN(const json::Value presence, json::optional_object(object, "presence"));
  GIMS_TRY(parser.event_filter(presence, filter.presence));
  GIMS_TRY_ASSIGN(const json::Value account_data, json::optional_object(object, "account_data"));
  GIMS_TRY(parser.event_filter(account_data, filter.account_data));
  GIMS_TRY_ASSIGN(const auto fields, json::optional_strings(object, "event_fields"));
  static_cast<void>(fields);
  GIMS_TRY_ASSIGN(const auto format, json::optional_string(object, "event_format"));
  if (format && *format != "client" && *format != "federation") {
    return std::unexpected(json::wrong_type("event_format", "\"client\" or \"federation\""));
  }
  filter.federation_format = format == "federation";

  GIMS_TRY_ASSIGN(const json::Value room, json::optional_object(object, "room"));
  GIMS_TRY_ASSIGN(filter.rooms, parser.names(room, "rooms"));
  GIMS_TRY_ASSIGN(filter.not_rooms, parser.excluded(room, "not_rooms"));
  GIMS_TRY(parser.flag(room, "include_leave", filter.include_leave));
  GIMS_TRY_ASSIGN(const json::Value ephemeral, json::optional_object(room, "ephemeral"));
  GIMS_TRY(parser.room_event_filter(ephemeral, filter.ephemeral));
  GIMS_TRY_ASSIGN(const json::Value state, json::optional_object(room, "state"));
  GIMS_TRY(parser.room_event_filter(state, filter.state));
  GIMS_TRY_ASSIGN(const json::Value timeline, json::optional_object(room, "timeline"));
  GIMS_TRY(parser.room_event_filter(timeline, filter.timeline));
  GIMS_TRY_ASSIGN(const json::Value data, json::optional_object(room, "account_data"));
  GIMS_TRY(parser.room_event_filter(data, filter.room_account_data));
  return filter;
}

bool Filter::passes_room(std::string_view room_id) const noexcept {
  if (contains(not_rooms, room_id)) return false;
  return !rooms || contains(*rooms, room_id);
}

std::size_t Filter::timeline_limit() const noexcept {
  if (!timeline.limit) return default_timeline_limit;
  return std::min(static_cast<std::size_t>(*timeline.limit), most_timeline_events);
}

}  // namespace gims::service::sync
