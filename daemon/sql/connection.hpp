// A connection to a database, and the typed calls on it. One thread at a time.
//
// Errors are of kind `unavailable` where the machine is the cause (full disk, I/O error, damaged
// file, a lock that others hold), of kind `conflict` where a constraint of the schema refused a
// change, and `internal` otherwise. `detail` names the statement and the engine's own code and
// text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "sql/statement.hpp"

namespace gims::sql {

class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  // Runs SQL text that stands in this program (migrations, pragmas); several statements allowed.
  [[nodiscard]] virtual Result<> script(std::string_view literal) = 0;
  // BEGIN (a reader's snapshot, or IMMEDIATE for the writer), COMMIT, ROLLBACK and savepoints.
  [[nodiscard]] virtual Result<> begin() = 0;
  [[nodiscard]] virtual Result<> commit() = 0;
  [[nodiscard]] virtual Result<> rollback() noexcept = 0;
  [[nodiscard]] virtual Result<> savepoint() = 0;
  [[nodiscard]] virtual Result<> release_savepoint() = 0;
  [[nodiscard]] virtual Result<> rollback_savepoint() noexcept = 0;
  // False when the engine itself gave the transaction up (a full disk, an I/O error).
  [[nodiscard]] virtual bool in_transaction() const noexcept = 0;
  // Since this connection was opened it met an I/O error, a full disk or a damaged file: what it
  // wrote and has not committed is not to be trusted.
  [[nodiscard]] virtual bool broken() const noexcept = 0;
  // Rows changed by the last INSERT, UPDATE or DELETE.
  [[nodiscard]] virtual std::int64_t changes() const noexcept = 0;

  // The engine's way of stepping; use the templates below. Whatever happens, the statement is reset
  // and its inputs are let go before it returns. `row` may use the connection again.
  using Bind = std::function<void(Cursor&)>;
  using EachRow = std::function<bool(const Cursor&)>;  // false: stop
  [[nodiscard]] virtual Result<> step(const StatementInfo& statement, const Bind& bind,
                                      const EachRow& row) = 0;
};

// Runs a statement that gives no rows.
template <class Statement>
[[nodiscard]] Result<> run(Connection& connection, const Statement& statement) {
  return connection.step(
      Statement::info, [&](Cursor& cursor) { statement.bind(cursor); },
      [](const Cursor&) { return true; });
}

// Calls `each(const Statement::View&)` for each row; views are good during the call.
template <class Statement, class Each>
[[nodiscard]] Result<> for_each(Connection& connection, const Statement& statement, Each&& each) {
  return connection.step(
      Statement::info, [&](Cursor& cursor) { statement.bind(cursor); },
      [&](const Cursor& cursor) {
        each(Statement::view(cursor));
        return true;
      });
}

// The first row, or none.
template <class Statement>
[[nodiscard]] Result<std::optional<typename Statement::Row>> first(Connection& connection,
                                                                   const Statement& statement) {
  std::optional<typename Statement::Row> found;
  GIMS_TRY(connection.step(
      Statement::info, [&](Cursor& cursor) { statement.bind(cursor); },
      [&](const Cursor& cursor) {
        found = Statement::row(cursor);
        return false;
      }));
  return found;
}

template <class Statement>
[[nodiscard]] Result<std::vector<typename Statement::Row>> all(Connection& connection,
                                                               const Statement& statement) {
  std::vector<typename Statement::Row> rows;
  GIMS_TRY(connection.step(
      Statement::info, [&](Cursor& cursor) { statement.bind(cursor); },
      [&](const Cursor& cursor) {
        rows.push_back(Statement::row(cursor));
        return true;
      }));
  return rows;
}

}  // namespace gims::sql
