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

// "p40": the rooms from the 40th on.
Result<std::size_t> parse_page(std::string_view token) {
  if (token.empty()) return std::size_t{0};
  std::size_t offset = 0;
  const char* end = token.data() + token.size();
  const auto [stop, error] = std::from_chars(token.data() + 1, end, offset);
  if (token.front() != 'p' || token.size() == 1 || error != std::errc() || stop != end) {
    return invalid_param("The pagination token was not made by this server.");
  }
  return offset;
}

bool has_type(const PublicRoomsQuery& query, const RoomSummary& room) {
  return !query.room_types || std::ranges::contains(*query.room_types, room.room_type);
}

}  // namespace

Result<std::string> Directory::public_rooms(const PublicRoomsQuery& query) {
  if (!query.server.empty() && query.server != policy_.server_name) {
    return forbidden("This server does not reach the server " + query.server + ".");
  }
  GIMS_TRY_ASSIGN(const std::size_t offset, parse_page(query.since));
  const auto limit = static_cast<std::size_t>(
      std::clamp(query.limit.value_or(default_page), std::int64_t{1}, most_rooms));
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(const auto rows, sql::all(reader.sql(), sql_of::ListedRooms{}));
  const std::string term = lower_case(query.search);
  const bool is_filtered = !term.empty() || query.room_types.has_value();
  json::Writer out;
  out.begin_object().key("chunk").begin_array();
  std::size_t matches = 0;
  std::size_t written = 0;
  for (const auto& row : rows) {
    const bool on_page = matches >= offset && written < limit;
    if (!is_filtered && !on_page) {
      ++matches;
      continue;
    }
    GIMS_TRY_ASSIGN(const auto room, load_summary(reader.sql(), row.room_id));
    if (!room || !has_type(query, *room) || (!term.empty() && !room->mentions(term))) continue;
    ++matches;
    if (!on_page) continue;
    ++written;
    out.begin_object();
    room->write(out);
    out.end_object();
  }
  out.end_array();
  out.member("total_room_count_estimate", matches);
  if (offset + written < matches && written > 0) {
    out.member("next_batch", "p" + std::to_string(offset + written));
  }
  if (offset > 0) {
    out.member("prev_batch", "p" + std::to_string(offset > limit ? offset - limit : 0));
  }
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
