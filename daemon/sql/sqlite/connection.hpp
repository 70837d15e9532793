// The SQLite driver: connections with hardened settings, a cache of prepared statements, and what
// only SQLite has (checkpoints of its write-ahead log, checks of its file).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sql/connection.hpp"

struct sqlite3;

namespace gims::sql::sqlite {

enum class Access {
  write,  // makes the file where it is missing; for the one writer and for the checkpointer
  read,   // the file must exist; writing is refused by the engine
  memory  // a database of its own that goes with the connection
};

struct OpenOptions {
  std::filesystem::path file;
  Access access = Access::write;
  int cache_kib = 2048;  // page cache at most; grows with use
  std::chrono::milliseconds busy_timeout{5000};
  std::string vfs;  // empty: the system's. Tests put one that fails here.
  // Told of each statement that met a damaged file, on the connection's thread.
  std::function<void(const Error&)> on_damage;
};

enum class Checkpoint {
  passive,  // copies what it can without waiting for anyone
  restart,  // waits (busy_timeout) for the writer and for readers; the log begins anew
  truncate  // as restart, and gives the log's disk space back
};

struct CheckpointOutcome {
  std::int64_t log_frames = 0;     // frames in the write-ahead log
  std::int64_t copied_frames = 0;  // of those, already in the database
  bool complete = false;           // nothing kept it from doing all it was asked
};

class Connection final : public sql::Connection {
 public:
  // The file is opened, its header is read, and the settings of a hardened, durable connection are
  // made: WAL, synchronous=FULL, no automatic checkpoints, defensive, no trusted schema, no
  // extension.
  [[nodiscard]] static Result<std::unique_ptr<Connection>> open(const OpenOptions& options);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() override;

  [[nodiscard]] Result<> script(std::string_view literal) override;
  [[nodiscard]] Result<> begin() override;
  [[nodiscard]] Result<> commit() override;
  [[nodiscard]] Result<> rollback() noexcept override;
  [[nodiscard]] Result<> savepoint() override;
  [[nodiscard]] Result<> release_savepoint() override;
  [[nodiscard]] Result<> rollback_savepoint() noexcept override;
  [[nodiscard]] bool in_transaction() const noexcept override;
  [[nodiscard]] bool broken() const noexcept override { return broken_; }
  // As broken(), of a damaged file alone.
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }
  [[nodiscard]] std::int64_t changes() const noexcept override;
  [[nodiscard]] Result<> step(const StatementInfo& statement, const Bind& bind,
                              const EachRow& row) override;

  // Frames in the write-ahead log after the last commit of this connection.
  [[nodiscard]] std::int64_t log_frames() const noexcept { return log_frames_; }
  [[nodiscard]] Result<CheckpointOutcome> checkpoint(Checkpoint how);
  // Leaves the write-ahead log as it is when the last connection closes (after a failed write).
  void keep_log_on_close() noexcept;
  // PRAGMA quick_check, or integrity_check, which reads indexes against their tables too: minutes
  // on a large file. Empty: no fault found; otherwise up to `most` lines that say what is wrong.
  // `go_on` is asked every few milliseconds; false ends it as `unavailable`.
  [[nodiscard]] Result<std::vector<std::string>> check(bool full,
                                                       const std::function<bool()>& go_on = {},
                                                       int most = 20);
  // Statements prepared so far and kept (for tests).
  [[nodiscard]] std::size_t cached_statements() const noexcept;

 private:
  struct Statements;
  Connection() noexcept;
  [[nodiscard]] Result<> configure(const OpenOptions& options);
  [[nodiscard]] Result<> control(const StatementInfo& statement) noexcept;
  [[nodiscard]] std::unexpected<Error> failed(int code, std::string_view what) noexcept;

  sqlite3* database_ = nullptr;
  std::unique_ptr<Statements> statements_;
  std::function<void(const Error&)> on_damage_;
  std::int64_t log_frames_ = 0;
  bool broken_ = false;
  bool damaged_ = false;
  bool writes_ = false;
};

}  // namespace gims::sql::sqlite
