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

// Takes the database from its version to the newest of `steps`, each step in a transaction of its
// own that writes meta.schema_version too: a stop in between leaves a version, never a half. Fails
// without a change when the database is of a newer version than these steps know, or is not ours.
[[nodiscard]] Result<> migrate(sql::Connection& connection, std::span<const Migration> steps);

// The version of the database; 0: empty.
[[nodiscard]] Result<int> schema_version(sql::Connection& connection);

}  // namespace gims::store
