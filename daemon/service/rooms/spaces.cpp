// GET /rooms/{roomId}/hierarchy: a space's rooms, depth first (spec: client-server API, "Spaces").
#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "json/writer.hpp"
#include "matrix/client_event.hpp"
#include "matrix/event.hpp"
#include "service/errors.hpp"
#include "service/rooms/directory.hpp"
#include "service/rooms/summary.hpp"
#include "service/rooms/timeline.hpp"
#include "store/statements/state.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

constexpr std::int64_t default_page = 50;
constexpr std::int64_t most_rooms_of_page = 100;
constexpr std::int64_t deepest = 20;
// Rooms in one tree: a hierarchy that is larger ends there.
constexpr std::size_t most_rooms = 1000;

// A token names the first room of the next page, and what must not change between pages.
struct PageToken {
  std::size_t offset = 0;
  std::int64_t max_depth = 0;
  bool suggested_only = false;
};

std::string format(const PageToken& token) {
  return "h" + std::to_string(token.offset) + "_" + std::to_string(token.max_depth) + "_" +
         (token.suggested_only ? "1" : "0");
}

Result<std::size_t> parse(std::string_view text, std::int64_t max_depth, bool suggested_only) {
  if (text.empty()) return std::size_t{0};
  PageToken token{.offset = 0, .max_depth = max_depth, .suggested_only = suggested_only};
  const std::string_view digits = text.substr(1, text.find('_') - 1);
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), token.offset);
  if (error != std::errc() || stop != digits.data() + digits.size() || format(token) != text) {
    return invalid_param(
        "The pagination token was not made by this server for this max_depth and suggested_only.");
  }
  return token.offset;
}

struct Child {
  std::string order;  // empty: none that counts, sorted behind those that have one
  Millis ts;
  std::string room_id;
  bool suggested;
  std::string stripped;  // with origin_server_ts
};

// Spec: m.space.child, "order": at most 50 characters from space to tilde.
std::string valid_order(std::string_view order) {
  const bool is_valid = order.size() <= 50 && std::ranges::all_of(order, [](char c) {
                          return c >= '\x20' && c <= '\x7e';
                        });
  return is_valid ? std::string(order) : std::string();
}

Result<std::vector<Child>> children_of(sql::Connection& connection, const RoomSummary& space,
                                       bool suggested_only) {
  std::vector<Child> children;
  const matrix::RoomVersion* version = matrix::find_room_version(space.version);
  if (space.room_type != "m.space" || version == nullptr) return children;
  GIMS_TRY_ASSIGN(auto rows,
                  sql::all(connection, sql_of::CurrentStateOfType{.room_nid = space.nid,
                                                                  .type = "m.space.child"}));
  for (auto& row : rows) {
    GIMS_TRY_ASSIGN(const matrix::EventPtr event,
                    matrix::Event::from_store(*version, row.event_id, std::move(row.pdu)));
    const json::Value content = event->content();
    if (!content.get("via").is_array() || content.get("via").size() == 0) continue;
    const bool suggested = content.get("suggested").bool_or(false);
    if (suggested_only && !suggested) continue;
    std::string stripped = matrix::stripped_state(*event);
    stripped.pop_back();
    stripped.append(",\"origin_server_ts\":")
        .append(std::to_string(event->origin_server_ts()))
        .push_back('}');
    children.push_back({.order = valid_order(content.get("order").string_or("")),
                        .ts = event->origin_server_ts(),
                        .room_id = std::string(*event->state_key()),
                        .suggested = suggested,
                        .stripped = std::move(stripped)});
  }
  const auto rank = [](const Child& child) {
    return std::tuple(child.order.empty(), std::string_view(child.order), child.ts,
                      std::string_view(child.room_id));
  };
  std::ranges::sort(children, std::ranges::less(), rank);
  return children;
}

}  // namespace

Result<std::string> Directory::hierarchy(std::string_view user_id, std::string_view room_id,
                                         const HierarchyQuery& query) {
  const std::int64_t max_depth =
      std::clamp(query.max_depth.value_or(deepest), std::int64_t{0}, deepest);
  GIMS_TRY_ASSIGN(const std::size_t offset, parse(query.from, max_depth, query.suggested_only));
  const auto limit = static_cast<std::size_t>(
      std::clamp(query.limit.value_or(default_page), std::int64_t{1}, most_rooms_of_page));
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());

  struct Visit {
    std::string room_id;
    std::int64_t depth;
  };
  std::vector<Visit> open = {{.room_id = std::string(room_id), .depth = 0}};
  std::set<std::string> seen;
  std::size_t index = 0;
  std::size_t written = 0;
  bool more = false;
  json::Writer out;
  out.begin_object().key("rooms").begin_array();
  while (!open.empty() && seen.size() < most_rooms) {
    const Visit visit = std::move(open.back());
    open.pop_back();
    if (!seen.insert(visit.room_id).second) continue;
    GIMS_TRY_ASSIGN(const auto room, load_summary(reader.sql(), visit.room_id));
    bool may_know = false;
    if (room) {
      GIMS_TRY_ASSIGN(may_know, may_know_of(reader.sql(), *room, user_id));
    }
    if (!may_know) {
      if (visit.depth == 0) return forbidden(not_in_room);
      continue;
    }
    if (written == limit) {
      more = true;
      break;
    }
    GIMS_TRY_ASSIGN(const auto children, children_of(reader.sql(), *room, query.suggested_only));
    if (index++ >= offset) {
      ++written;
      out.begin_object();
      room->write(out);
      out.key("children_state").begin_array();
      for (const Child& child : children) out.raw(child.stripped);
      out.end_array().end_object();
    }
    if (visit.depth == max_depth) continue;
    for (auto child = children.rbegin(); child != children.rend(); ++child) {
      open.push_back({.room_id = child->room_id, .depth = visit.depth + 1});
    }
  }
  out.end_array();
  if (more) {
    out.member("next_batch", format({.offset = offset + written,
                                     .max_depth = max_depth,
                                     .suggested_only = query.suggested_only}));
  }
  out.end_object();
  return out.take();
}

}  // namespace gims::service::rooms
