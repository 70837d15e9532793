#include "store/check.hpp"

#include <array>
#include <optional>

#include "json/value.hpp"
#include "matrix/event.hpp"
#include "matrix/hashes.hpp"
#include "store/audit.hpp"
#include "store/statements/check.hpp"
#include "store/store.hpp"

namespace gims::store {
namespace {

constexpr std::int64_t page = 500;  // events read of one snapshot
// The largest that clients may store as JSON is far below it (docs/limits.md).
constexpr std::size_t largest_content = std::size_t{16} << 20U;
constexpr std::int64_t rows_between_tells = 1000;

std::unexpected<Error> stopped() {
  return fail(ErrorKind::unavailable, "M_UNKNOWN", "The check was stopped.");
}

bool enough(const Faults& faults) { return faults.size() >= most_faults; }

void add(Faults& faults, std::string fault) {
  if (!enough(faults)) faults.push_back(std::move(fault));
}

using EventRow = statements::EventsToCheck::Row;

// What the columns say of an event, against what the event says.
bool columns_fit(const EventRow& row, const matrix::Event& event) {
  const std::optional<std::string_view> state_key =
      row.state_key ? std::optional<std::string_view>(*row.state_key) : std::nullopt;
  if (row.type != event.type() || state_key != event.state_key() || row.sender != event.sender() ||
      row.depth != event.depth() || row.origin_ts != event.origin_server_ts()) {
    return false;
  }
  // With the content a relation goes.
  if (row.redacted_by) return !row.relates_to && !row.rel_type;
  const matrix::Relation relation = matrix::relation_of(event);
  return row.relates_to == relation.target && row.rel_type == relation.type;
}

std::optional<std::string> fault_of(const EventRow& row) {
  if (!row.version || !row.room_id) return "is of a room that is not there";
  const matrix::RoomVersion* version = matrix::find_room_version(*row.version);
  if (version == nullptr) return "is of a room whose version is not known";
  const auto event = matrix::Event::from_canonical(*version, row.pdu);
  if (!event) return "cannot be read: " + event.error().text;
  if ((*event)->event_id() != row.event_id) return "is not what its id, a hash of it, says";
  if ((*event)->room_id() != *row.room_id) return "is of another room";
  // The hash of the content was made of the whole event.
  if (!row.redacted_by && !matrix::content_hash_fits((*event)->json())) {
    return "has a content that is not what was hashed";
  }
  if (!columns_fit(row, **event)) return "is not what its row says of it";
  return std::nullopt;
}

Result<> check_events(Store& store, const CheckTell& tell, Faults& faults) {
  const StreamId end = store.position();
  StreamId at = 0;
  while (at < end && !enough(faults)) {
    if (!tell({.step = "events", .done = at, .of = end})) return stopped();
    GIMS_TRY_ASSIGN(auto reader, store.read());
    GIMS_TRY_ASSIGN(const auto rows,
                    sql::all(reader.sql(), statements::EventsToCheck{.after = at, .most = page}));
    for (const EventRow& row : rows) {
      if (auto fault = fault_of(row)) {
        add(faults, "the event " + row.event_id + " at position " + std::to_string(row.stream_id) +
                        " " + *fault);
      }
    }
    if (rows.size() < static_cast<std::size_t>(page)) break;
    at = rows.back().stream_id;
  }
  return {};
}

template <class Statement>
Result<> check_json(Store& store, const CheckTell& tell, Faults& faults) {
  GIMS_TRY_ASSIGN(auto reader, store.read());
  std::int64_t done = 0;
  bool going_on = true;
  GIMS_TRY(reader.sql().step(
      Statement::info, [](sql::Cursor&) {},
      [&](const sql::Cursor& cursor) {
        const auto row = Statement::view(cursor);
        if (!json::Document::parse(row.content, {.max_bytes = largest_content})) {
          add(faults, "the " + std::string(row.kind) + " " + std::string(row.name) + " of " +
                          std::string(row.user_id) + " is not JSON");
        }
        if (++done % rows_between_tells == 0) {
          going_on = tell({.step = "accounts and devices", .done = done, .of = 0});
        }
        return going_on && !enough(faults);
      }));
  if (!going_on) return stopped();
  return {};
}

Result<> check_references(Store& store, const CheckTell& tell, Faults& faults) {
  if (!tell({.step = "references"})) return stopped();
  GIMS_TRY_ASSIGN(auto reader, store.read());
  sql::Connection& sql = reader.sql();
  constexpr auto most = static_cast<std::int64_t>(most_faults);
  GIMS_TRY(sql::for_each(sql, statements::StateWithoutEvent{.most = most}, [&](const auto& row) {
    add(faults, "the state " + std::string(row.type) + " '" + std::string(row.state_key) +
                    "' of room " + std::to_string(row.room_nid) + " is not that of its event");
  }));
  GIMS_TRY(sql::for_each(sql, statements::MembersWithoutEvent{.most = most}, [&](const auto& row) {
    add(faults, "the membership of " + std::string(row.user_id) + " in room " +
                    std::to_string(row.room_nid) + " is not that of its event");
  }));
  GIMS_TRY(sql::for_each(sql, statements::UsersToCheck{.most = most}, [&](const auto& row) {
    add(faults, "the account " + std::string(row.user_id) + " is in no state that there is");
  }));
  GIMS_TRY(sql::for_each(sql, statements::DevicesWithoutUser{.most = most}, [&](const auto& row) {
    add(faults, "the device " + std::string(row.device_id) + " of " + std::string(row.user_id) +
                    " has no account");
  }));
  GIMS_TRY(sql::for_each(sql, statements::TokensWithoutDevice{.most = most}, [&](const auto& row) {
    add(faults, "an " + std::string(row.kind) + " of " + std::string(row.user_id) +
                    " has no device " + std::string(row.device_id));
  }));
  return {};
}

Result<> check_audit(Store& store, const CheckTell& tell, Faults& faults) {
  if (!tell({.step = "audit log"})) return stopped();
  GIMS_TRY_ASSIGN(auto reader, store.read());
  GIMS_TRY_ASSIGN(const AuditVerdict verdict, verify_audit(reader.sql(), std::nullopt));
  if (verdict.fault) add(faults, describe(verdict));
  return {};
}

}  // namespace

Result<> noted(Result<> read, std::string_view step, Faults& faults) {
  if (read || read.error().text == stopped().error().text) return read;
  add(faults, "the " + std::string(step) + " cannot be read: " +
                  (read.error().detail.empty() ? read.error().text : read.error().detail));
  return {};
}

Result<> check_contents(Store& store, bool full, const CheckTell& tell, Faults& faults) {
  GIMS_TRY(noted(check_references(store, tell, faults), "references", faults));
  GIMS_TRY(noted(check_audit(store, tell, faults), "audit log", faults));
  if (!full) return {};
  GIMS_TRY(noted(check_events(store, tell, faults), "events", faults));
  GIMS_TRY(
      noted(check_json<statements::ContentsOfAccounts>(store, tell, faults), "accounts", faults));
  return noted(check_json<statements::ContentsOfDevices>(store, tell, faults), "devices", faults);
}

Error damaged(std::string_view detail) {
  return fail(ErrorKind::unavailable, "M_UNKNOWN",
              "The server's database is damaged and was left as it is. Copy the data folder, then "
              "put a good copy of it back (administrator's guide, 'A damaged database').",
              detail)
      .error();
}

Result<> check_ends(sql::Connection& connection, std::int64_t position) {
  // Of SQLite alone, as store/schema.cpp is: every table has a rowid.
  std::vector<std::string> tables;
  GIMS_TRY(connection.step(
      {.name = "Tables",
       .text = "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0",
       .index = -1},
      [](sql::Cursor&) {},
      [&](const sql::Cursor& row) {
        tables.emplace_back(row.bytes(0));
        return true;
      }));
  for (const std::string& table : tables) {
    for (const std::string_view order : {"ASC", "DESC"}) {
      // All columns: also the pages that a long row goes on in.
      const std::string text =
          "SELECT * FROM \"" + table + "\" ORDER BY rowid " + std::string(order) + " LIMIT 1";
      GIMS_TRY(connection.step(
          {.name = table, .text = text, .index = -1}, [](sql::Cursor&) {},
          [](const sql::Cursor&) { return true; }));
    }
  }
  GIMS_TRY_ASSIGN(const auto newest, sql::first(connection, statements::NewestPositions{}));
  if (newest && newest->newest.value_or(0) > position) {
    return std::unexpected(damaged("a row is newer than the stream's position"));
  }
  return {};
}

}  // namespace gims::store
