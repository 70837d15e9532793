// Whether the tables and indexes of a database are those that its migrations make.
#pragma once

#include <span>

#include "base/result.hpp"
#include "sql/connection.hpp"
#include "store/migrations.hpp"

namespace gims::store {

// Compares the schema with one made in memory, a few milliseconds whatever the size of the data. An
// error names the first table or index that is missing, strange or different.
[[nodiscard]] Result<> check_schema(sql::Connection& connection, std::span<const Migration> steps);

}  // namespace gims::store
