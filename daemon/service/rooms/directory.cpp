#include "service/rooms/directory.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "json/writer.hpp"
#include "matrix/ids.hpp"
#include "service/errors.hpp"
#include "service/rooms/summary.hpp"
#include "store/statements/aliases.hpp"
#include "store/statements/memberships.hpp"
#include "store/statements/rooms.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

constexpr std::int64_t default_page = 100;
constexpr std::int64_t most_rooms = 500;

// Rooms looked through for one page: a term that nothing has does not read the whole list.
constexpr std::size_t most_looked_through = 1000;

// Between two rooms of the list: "p40" goes on after the 40th, "b40" back from it.
struct Place {
  bool backward = false;
  std::size_t row = 0;
};

Result<Place> parse_place(std::string_view token) {
  Place place;
  if (token.empty()) return place;
  place.backward = token.front() == 'b';
  const char* end = token.data() + token.size();
  const auto [stop, error] = std::from_chars(token.data() + 1, end, place.row);
  if ((token.front() != 'p' && token.front() != 'b') || token.size() == 1 || error != std::errc() ||
      stop != end) {
    return invalid_param("The pagination token was not made by this server.");
  }
  return place;
}

bool has_type(const PublicRoomsQuery& query, const RoomSummary& room) {
  return !query.room_types || std::ranges::contains(*query.room_types, room.room_type);
}

}  // namespace

Result<std::string> Directory::public_rooms(const PublicRoomsQuery& query) {
  if (!query.server.empty() && query.server != policy_.server_name) {
    return forbidden("This server does not reach the server " + query.server + ".");
  }
  GIMS_TRY_ASSIGN(const Place place, parse_place(query.since));
  const auto limit = static_cast<std::size_t>(
      std::clamp(query.limit.value_or(default_page), std::int64_t{1}, most_rooms));
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(const auto rows, sql::all(reader.sql(), sql_of::ListedRooms{}));
  const std::string term = lower_case(query.search);
  const std::size_t start = std::min(place.row, rows.size());
  const std::size_t there = place.backward ? start : rows.size() - start;
  const std::size_t most = std::min(there, most_looked_through);
  std::vector<RoomSummary> page;
  std::size_t looked = 0;
  while (looked < most && page.size() < limit) {
    ++looked;
    const auto& row = rows[place.backward ? start - looked : start + looked - 1];
    GIMS_TRY_ASSIGN(auto room, load_summary(reader.sql(), row.room_id));
    if (!room || !has_type(query, *room) || (!term.empty() && !room->mentions(term))) continue;
    page.push_back(std::move(*room));
  }
  if (place.backward) std::ranges::reverse(page);
  const std::size_t first = place.backward ? start - looked : start;
  const std::size_t end = place.backward ? start : start + looked;
  json::Writer out;
  out.begin_object().key("chunk").begin_array();
  for (const RoomSummary& room : page) {
    out.begin_object();
    room.write(out);
    out.end_object();
  }
  out.end_array();
  out.member("total_room_count_estimate", rows.size());  // of all, whatever is asked for
  if (end < rows.size()) out.member("next_batch", "p" + std::to_string(end));
  if (first > 0) out.member("prev_batch", "b" + std::to_string(first));
  out.end_object();
  return out.take();
}

Result<std::string> Directory::visibility(std::string_view user_id, std::string_view room_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(const auto row, sql::first(reader.sql(), sql_of::RoomById{.room_id = room_id}));
  const bool is_listed = row && row->is_listed != 0;
  if (row && !is_listed) {
    GIMS_TRY_ASSIGN(const auto membership,
                    sql::first(reader.sql(), sql_of::MembershipOf{.user_id = user_id,
                                                                  .room_nid = row->room_nid}));
    if (membership && membership->membership == "join") return R"({"visibility":"private"})";
  }
  if (!is_listed) return not_found("There is no such room.");
  return R"({"visibility":"public"})";
}

Result<std::string> Directory::alias(std::string_view alias) {
  GIMS_TRY(matrix::require_room_alias(alias, "roomAlias"));
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(const auto row, sql::first(reader.sql(), sql_of::AliasTarget{.alias = alias}));
  if (!row) return not_found("There is no alias " + std::string(alias) + ".");
  json::Writer out;
  out.begin_object().member("room_id", row->room_id).key("servers").begin_array();
  out.value(policy_.server_name).end_array().end_object();
  return out.take();
}

Result<std::string> Directory::summary(std::string_view user_id,
                                       std::string_view room_id_or_alias) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  const auto absent = [] { return not_found("There is no such room."); };
  std::string room_id(room_id_or_alias);
  if (room_id_or_alias.starts_with('#')) {
    GIMS_TRY_ASSIGN(auto row,
                    sql::first(reader.sql(), sql_of::AliasTarget{.alias = room_id_or_alias}));
    if (!row) return absent();
    room_id = std::move(row->room_id);
  } else {
    GIMS_TRY(matrix::require_room_id(room_id_or_alias, "roomIdOrAlias"));
  }
  GIMS_TRY_ASSIGN(const auto room, load_summary(reader.sql(), room_id));
  if (!room) return absent();
  GIMS_TRY_ASSIGN(const bool may_know, may_know_of(reader.sql(), *room, user_id));
  if (!may_know) return absent();
  GIMS_TRY_ASSIGN(
      const auto membership,
      sql::first(reader.sql(), sql_of::MembershipOf{.user_id = user_id, .room_nid = room->nid}));
  json::Writer out;
  out.begin_object();
  room->write(out);
  out.member("membership", membership ? membership->membership : std::string("leave"));
  out.end_object();
  return out.take();
}

}  // namespace gims::service::rooms
