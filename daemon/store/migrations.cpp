#include "store/migrations.hpp"

#include <charconv>
#include <string>

#include "base/log.hpp"
#include "store/statements/meta.hpp"

namespace gims::store {
namespace {

std::unexpected<Error> unusable(std::string_view text, std::string_view detail) {
  return fail(ErrorKind::unavailable, "M_UNKNOWN", text, detail);
}

Result<> write_step(sql::Connection& connection, const Migration& step) {
  GIMS_TRY(connection.script(step.sql));
  const std::string version = std::to_string(step.number);
  return sql::run(connection, statements::SetMetaValue{.name = "schema_version", .value = version});
}

Error of_step(const Migration& step, Error error) {
  error.detail = "migration " + std::string(step.name) + ": " + error.detail;
  return error;
}

void tell(const Migration& step) {
  log::info(log::id::schema_migrated, "database schema brought to a new version",
            {{"MIGRATION", step.name}});
}

Result<> refuse_newer(int version, int newest) {
  if (version <= newest) return {};
  return unusable(
      "The database was written by a newer release of this server. Install that "
      "release, or restore a backup made before it.",
      "schema version " + std::to_string(version) + ", this release knows up to " +
          std::to_string(newest));
}

}  // namespace

Result<int> schema_version(sql::Connection& connection) {
  // Of SQLite alone; the driver for PostgreSQL will look into information_schema.
  int tables = 0;
  bool has_meta = false;
  GIMS_TRY(connection.step(
      {.name = "Tables",
       .text = "SELECT name FROM sqlite_schema WHERE type = 'table'",
       .index = -1},
      [](sql::Cursor&) {},
      [&](const sql::Cursor& row) {
        ++tables;
        has_meta = has_meta || row.bytes(0) == "meta";
        return true;
      }));
  if (tables == 0) return 0;
  int version = 0;
  if (has_meta) {
    GIMS_TRY_ASSIGN(const auto row,
                    sql::first(connection, statements::MetaValue{"schema_version"}));
    if (row) {
      const char* const end = row->value.data() + row->value.size();
      const auto [stop, error] = std::from_chars(row->value.data(), end, version);
      if (error != std::errc{} || stop != end) version = 0;
    }
  }
  if (version <= 0) {
    return unusable("The database file is not a database of this server.",
                    "it has tables, and no meta.schema_version");
  }
  return version;
}

Result<> migrate(sql::Connection& connection, std::span<const Migration> steps) {
  GIMS_TRY_ASSIGN(const int version, schema_version(connection));
  GIMS_TRY(refuse_newer(version, steps.empty() ? 0 : steps.back().number));
  for (const Migration& step : steps) {
    if (step.number <= version) continue;
    GIMS_TRY(connection.begin());
    Result<> done = write_step(connection, step);
    if (done) done = connection.commit();
    if (!done) {
      static_cast<void>(connection.rollback());
      return std::unexpected(of_step(step, std::move(done).error()));
    }
    tell(step);
  }
  return {};
}

Result<int> migrate_to_served(sql::Connection& connection, const Schema& schema) {
  GIMS_TRY_ASSIGN(const int version, schema_version(connection));
  const int newest = schema.steps.back().number;
  if (version == 0) {
    GIMS_TRY(migrate(connection, schema.steps));
    return newest;
  }
  GIMS_TRY(refuse_newer(version, newest));
  if (version < schema.predecessor) {
    return unusable(
        "The database was written by a release that this one does not follow. Install the release "
        "between the two first, and let it serve.",
        "schema version " + std::to_string(version) + ", this release serves from " +
            std::to_string(schema.predecessor));
  }
  return version;
}

Result<bool> apply(sql::Connection& connection, const Migration& step) {
  GIMS_TRY_ASSIGN(const int version, schema_version(connection));
  if (step.number <= version) return false;
  if (auto done = write_step(connection, step); !done) {
    return std::unexpected(of_step(step, std::move(done).error()));
  }
  tell(step);
  return true;
}

}  // namespace gims::store
