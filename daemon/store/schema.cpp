#include "store/schema.hpp"

#include <map>
#include <string>
#include <string_view>

#include "sql/sqlite/connection.hpp"

namespace gims::store {
namespace {

using Objects = std::map<std::string, std::string>;  // the SQL that made each, by "table users"

Result<Objects> objects_of(sql::Connection& connection) {
  // sqlite_ names are the engine's own: indexes of keys, and statistics where someone ran ANALYZE.
  constexpr sql::StatementInfo query{
      .name = "SchemaObjects",
      .text =
          "SELECT type || ' ' || name, COALESCE(sql, '') FROM sqlite_schema "
          "WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~'",
      .index = -1};
  Objects objects;
  GIMS_TRY(connection.step(
      query, [](sql::Cursor&) {},
      [&](const sql::Cursor& row) {
        objects.emplace(row.bytes(0), row.bytes(1));
        return true;
      }));
  return objects;
}

std::unexpected<Error> differs(std::string_view object, std::string_view how) {
  return fail(ErrorKind::unavailable, "M_UNKNOWN",
              "The database is not as this server made it. Restore a backup.",
              std::string(object) + " " + std::string(how));
}

}  // namespace

Result<> check_schema(sql::Connection& connection, std::span<const Migration> steps) {
  sql::sqlite::OpenOptions scratch;
  scratch.access = sql::sqlite::Access::memory;
  GIMS_TRY_ASSIGN(auto model, sql::sqlite::Connection::open(scratch));
  for (const Migration& step : steps) GIMS_TRY(model->script(step.sql));
  GIMS_TRY_ASSIGN(const Objects wanted, objects_of(*model));
  GIMS_TRY_ASSIGN(const Objects found, objects_of(connection));
  for (const auto& [name, sql] : wanted) {
    const auto there = found.find(name);
    if (there == found.end()) return differs(name, "is missing");
    if (there->second != sql) return differs(name, "has another definition");
  }
  for (const auto& [name, sql] : found) {
    if (!wanted.contains(name)) return differs(name, "does not belong here");
  }
  return {};
}

}  // namespace gims::store
