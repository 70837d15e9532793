// The schema's versions. The texts stand in store/migrations/ and are embedded at build.
#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "sql/connection.hpp"

namespace gims::store {

struct Migration {
  int number;  // 1, 2, 3, ...: the version of the schema that it makes
  std::string_view name;
  std::string_view sql;
};

[[nodiscard]] std::span<const Migration> migrations() noexcept;

// A release's schema, and the one that the release before it left (docs/schema.md, "Releases").
struct Schema {
  std::span<const Migration> steps;  // not empty
  int predecessor;                   // every statement of this release runs on this version, too
};
// migrations(), and the version in migrations/predecessor.
[[nodiscard]] Schema release_schema() noexcept;

// Takes the database from its version to the newest of `steps`, each step in a transaction of its
// own that writes meta.schema_version too: a stop in between leaves a version, never a half. Fails
// without a change when the database is of a newer version than these steps know, or is not ours.
[[nodiscard]] Result<> migrate(sql::Connection& connection, std::span<const Migration> steps);

// As migrate() for an empty database; one that has the predecessor's schema, or a later one, is
// left as it is: this release serves it, and so can the predecessor again. An older one is refused,
// since this release cannot serve it and its own could not any more after a migration. Gives the
// version.
[[nodiscard]] Result<int> migrate_to_served(sql::Connection& connection, const Schema& schema);

// One step, in a transaction that is open. False: the database has it already.
[[nodiscard]] Result<bool> apply(sql::Connection& connection, const Migration& step);

// The version of the database; 0: empty.
[[nodiscard]] Result<int> schema_version(sql::Connection& connection);

}  // namespace gims::store
