#include "service/rooms/site_rooms.hpp"

#include <utility>

#include "matrix/power_levels.hpp"
#include "service/errors.hpp"
#include "store/statements/rooms.hpp"
#include "store/statements/state.hpp"

namespace gims::service::rooms {

namespace sql_of = store::statements;

namespace {

std::unexpected<Error> no_such_room() { return not_found("There is no such room."); }

Result<matrix::EventPtr> state_of(sql::Connection& sql, const RoomSummary& room,
                                  std::string_view type) {
  const matrix::RoomVersion* version = matrix::find_room_version(room.version);
  if (version == nullptr) return matrix::EventPtr();
  GIMS_TRY_ASSIGN(auto row,
                  sql::first(sql, sql_of::CurrentStateEvent{
                                      .room_nid = room.nid, .type = type, .state_key = ""}));
  if (!row) return matrix::EventPtr();
  return matrix::Event::from_store(*version, row->event_id, std::move(row->pdu));
}

template <class Row>
Result<SiteRoom> room_of(sql::Connection& sql, const Row& row) {
  GIMS_TRY_ASSIGN(auto summary, load_summary(sql, row.room_id));
  if (!summary) return no_such_room();
  SiteRoom room{.summary = std::move(*summary),
                .creator = {},
                .created_ts = row.created_ts,
                .last_event_ts = row.last_ts,
                .classification = row.classification,
                .shut_ts = row.shut_ts};
  GIMS_TRY_ASSIGN(const auto create, state_of(sql, room.summary, "m.room.create"));
  if (create) room.creator = matrix::creator_of(*create);
  return room;
}

bool fits(const SiteRoom& room, const SiteRooms::Query& query, std::string_view term) {
  if (query.classification && room.classification != *query.classification) return false;
  return term.empty() || room.summary.mentions(term) ||
         lower_case(room.summary.room_id).contains(term);
}

}  // namespace

Result<SiteRooms::Page> SiteRooms::page(const Query& query) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  const std::string term = lower_case(query.text);
  Page page;
  std::string at = query.after;
  for (std::int64_t looked_at = 0; looked_at < most_looked_at; looked_at += query.count) {
    GIMS_TRY_ASSIGN(const auto rows,
                    sql::all(reader.sql(), sql_of::SiteRoomsPage{at, query.count}));
    for (const auto& row : rows) {
      at = row.room_id;
      GIMS_TRY_ASSIGN(SiteRoom room, room_of(reader.sql(), row));
      if (fits(room, query, term)) page.rooms.push_back(std::move(room));
      if (std::cmp_equal(page.rooms.size(), query.count)) {
        page.next = at;
        return page;
      }
    }
    if (std::cmp_less(rows.size(), query.count)) return page;
  }
  page.next = at;
  return page;
}

Result<SiteRoom> SiteRooms::find(std::string_view room_id) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  GIMS_TRY_ASSIGN(const auto row, sql::first(reader.sql(), sql_of::SiteRoomById{room_id}));
  if (!row) return no_such_room();
  return room_of(reader.sql(), *row);
}

Result<SiteRooms::Members> SiteRooms::members(std::string_view room_id, std::string_view after,
                                              std::int64_t count) {
  GIMS_TRY_ASSIGN(store::Reader reader, store_.read());
  sql::Connection& sql = reader.sql();
  GIMS_TRY_ASSIGN(const auto room, load_summary(sql, room_id));
  if (!room) return no_such_room();
  GIMS_TRY_ASSIGN(const auto create, state_of(sql, *room, "m.room.create"));
  if (!create) return no_such_room();
  GIMS_TRY_ASSIGN(const auto in_force, state_of(sql, *room, "m.room.power_levels"));
  const matrix::PowerLevels levels(create, in_force);
  Members members;
  GIMS_TRY(sql::for_each(sql, sql_of::MembersPage{room->nid, after, count}, [&](const auto& row) {
    members.members.push_back({.user_id = std::string(row.user_id),
                               .membership = std::string(row.membership),
                               .display_name = std::optional<std::string>(row.display_name),
                               .power_level = levels.of_user(row.user_id),
                               .since_ts = row.since_ts});
  }));
  if (std::cmp_equal(members.members.size(), count)) members.next = members.members.back().user_id;
  return members;
}

}  // namespace gims::service::rooms
