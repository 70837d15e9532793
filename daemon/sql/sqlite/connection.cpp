#include "sql/sqlite/connection.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

#include "base/check.hpp"
#include "base/handle.hpp"
#include "sql/sqlite/error.hpp"

namespace gims::sql::sqlite {
namespace {

using Prepared = Handle<sqlite3_stmt, sqlite3_finalize>;

// BEGIN, COMMIT and so on are prepared once as well; these are their slots.
enum Control : int { begin, commit, rollback, savepoint, release, rollback_to, controls };
constexpr StatementInfo begin_writing_info{"BEGIN", "BEGIN IMMEDIATE", Control::begin};
constexpr StatementInfo begin_reading_info{"BEGIN", "BEGIN", Control::begin};
constexpr StatementInfo commit_info{"COMMIT", "COMMIT", Control::commit};
constexpr StatementInfo rollback_info{"ROLLBACK", "ROLLBACK", Control::rollback};
constexpr StatementInfo savepoint_info{"SAVEPOINT", "SAVEPOINT operation", Control::savepoint};
constexpr StatementInfo release_info{"RELEASE", "RELEASE operation", Control::release};
constexpr StatementInfo rollback_to_info{"ROLLBACK TO", "ROLLBACK TO operation",
                                         Control::rollback_to};

// Largest value or row; events have at most 65,536 bytes, an account's cross-signing blobs and
// account data a few hundred thousand. It bounds what a damaged file can make SQLite allocate.
constexpr int largest_value = 16 << 20;

// The engine's limits (sqlite.org/limits.html), near to what our statements need.
constexpr std::array<std::pair<int, int>, 9> limits{
    {{SQLITE_LIMIT_LENGTH, largest_value},
     {SQLITE_LIMIT_SQL_LENGTH, 100'000},
     {SQLITE_LIMIT_COLUMN, 100},
     {SQLITE_LIMIT_EXPR_DEPTH, 100},
     {SQLITE_LIMIT_COMPOUND_SELECT, 8},
     {SQLITE_LIMIT_ATTACHED, 1},  // VACUUM takes one
     {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
     {SQLITE_LIMIT_VARIABLE_NUMBER, 100},
     {SQLITE_LIMIT_TRIGGER_DEPTH, 10}}};

// sqlite.org/security.html, "Untrusted SQLite Database Files".
constexpr std::array<std::pair<int, int>, 8> switches{{{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                                       {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                                       {SQLITE_DBCONFIG_DQS_DML, 0},
                                                       {SQLITE_DBCONFIG_DQS_DDL, 0},
                                                       {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
                                                       {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
                                                       {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                                                       {SQLITE_DBCONFIG_ENABLE_FKEY, 0}}};

// Once in the process, before the first connection. Statistics of memory cost a lock an allocation;
// a path is a path, never a URI with options in it.
void configure_library() noexcept {
  static std::once_flag once;
  std::call_once(once, [] {
    static_cast<void>(::sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0));
    static_cast<void>(::sqlite3_config(SQLITE_CONFIG_URI, 0));
  });
}

int open_flags(Access access) noexcept {
  constexpr int common = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  // A reader opens for writing as well: in WAL mode it shares the index of the log, and without
  // write access it could not open a database whose log is to be recovered. query_only keeps it
  // from writing.
  return common | SQLITE_OPEN_READWRITE | (access == Access::read ? 0 : SQLITE_OPEN_CREATE);
}

class StatementCursor final : public Cursor {
 public:
  explicit StatementCursor(sqlite3_stmt* statement) noexcept : statement_(statement) {}

  void bind(int place, std::int64_t value) override {
    keep(::sqlite3_bind_int64(statement_, place, value));
  }
  // The caller's bytes outlive the step, so nothing is copied. A null pointer would bind NULL.
  void bind(int place, std::string_view text) override {
    keep(::sqlite3_bind_text64(statement_, place, text.data() == nullptr ? "" : text.data(),
                               text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  void bind(int place, Blob blob) override {
    keep(::sqlite3_bind_blob64(statement_, place,
                               blob.bytes.data() == nullptr ? "" : blob.bytes.data(),
                               blob.bytes.size(), SQLITE_STATIC));
  }
  void bind_null(int place) override { keep(::sqlite3_bind_null(statement_, place)); }

  [[nodiscard]] bool is_null(int column) const override {
    return ::sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  [[nodiscard]] std::int64_t integer(int column) const override {
    return ::sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] std::string_view bytes(int column) const override {
    const auto* data = static_cast<const char*>(::sqlite3_column_blob(statement_, column));
    const int size = ::sqlite3_column_bytes(statement_, column);
    return data == nullptr ? std::string_view{}
                           : std::string_view{data, static_cast<std::size_t>(size)};
  }
  // The first bind that failed, or SQLITE_OK.
  [[nodiscard]] int code() const noexcept { return code_; }

 private:
  void keep(int code) noexcept {
    if (code_ == SQLITE_OK) code_ = code;
  }
  sqlite3_stmt* statement_;
  int code_ = SQLITE_OK;
};

}  // namespace

// The prepared statements by StatementInfo::index. A deque: growing leaves the others in place.
struct Connection::Statements {
  struct Slot {
    Prepared statement;
    bool running = false;
  };
  std::deque<Slot> of_program;
  std::array<Slot, Control::controls> of_driver;
};

namespace {

// A statement while it is stepped; whatever happens, it is reset and unbound when this goes.
class Running {
 public:
  Running(sqlite3_stmt* statement, bool& running) noexcept : statement_(statement), flag_(running) {
    flag_ = true;
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    ::sqlite3_reset(statement_);
    ::sqlite3_clear_bindings(statement_);
    flag_ = false;
  }

 private:
  sqlite3_stmt* statement_;
  bool& flag_;
};

int prepare(sqlite3* database, const StatementInfo& statement, Prepared& into) noexcept {
  // Persistent: it is kept long, so it stays out of the small lookaside memory.
  const unsigned flags = statement.index >= 0 ? SQLITE_PREPARE_PERSISTENT : 0U;
  return ::sqlite3_prepare_v3(database, statement.text.data(),
                              static_cast<int>(statement.text.size()), flags, into.out(), nullptr);
}

// Made before SQLite opens it, so that it is the owner's alone (the log and its index take the
// database's mode) and its name is on disk: SQLite syncs the folder for journals only.
Result<> make_private_file(const std::filesystem::path& file) {
  const int made = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made < 0 && errno == EEXIST) return {};
  bool good = made >= 0;
  if (good) {
    good = ::close(made) == 0;
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
    const int above = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    good = good && above >= 0 && ::fsync(above) == 0;
    if (above >= 0) ::close(above);
  }
  if (good) return {};
  return fail(ErrorKind::unavailable, "M_UNKNOWN", "The server may not write its database.",
              "making " + file.string() + ": " + std::strerror(errno));
}

}  // namespace

Connection::Connection() noexcept : statements_(std::make_unique<Statements>()) {}

Connection::~Connection() {
  statements_.reset();
  if (database_ != nullptr) GIMS_CHECK(::sqlite3_close(database_) == SQLITE_OK);
}

std::unexpected<Error> Connection::failed(int code, std::string_view what) noexcept {
  if (is_storage_failure(code)) broken_ = true;
  const char* message = database_ == nullptr ? "" : ::sqlite3_errmsg(database_);
  Error error = error_of(code, what, message);
  if (is_damage(code)) {
    damaged_ = true;
    if (on_damage_) on_damage_(error);
  }
  return std::unexpected(std::move(error));
}

Result<std::unique_ptr<Connection>> Connection::open(const OpenOptions& options) {
  configure_library();
  auto connection = std::unique_ptr<Connection>(new Connection);
  connection->on_damage_ = options.on_damage;
  connection->writes_ = options.access != Access::read;
  const bool in_memory = options.access == Access::memory;
  if (options.access == Access::write && options.vfs.empty()) {
    GIMS_TRY(make_private_file(options.file));
  }
  const int code = ::sqlite3_open_v2(in_memory ? ":memory:" : options.file.c_str(),
                                     &connection->database_, open_flags(options.access),
                                     options.vfs.empty() ? nullptr : options.vfs.c_str());
  if (code != SQLITE_OK) return connection->failed(code, "opening " + options.file.string());
  GIMS_TRY(connection->configure(options));
  return connection;
}

Result<> Connection::configure(const OpenOptions& options) {
  for (const auto& [option, value] : switches) {
    if (const int code = ::sqlite3_db_config(database_, option, value, nullptr);
        code != SQLITE_OK) {
      return failed(code, "setting up the connection");
    }
  }
  for (const auto& [limit, value] : limits) ::sqlite3_limit(database_, limit, value);
  ::sqlite3_busy_timeout(database_, static_cast<int>(options.busy_timeout.count()));
  // No memory map: an I/O error under one is a SIGBUS, not an error that can be answered.
  GIMS_TRY(
      script("PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA cell_size_check=ON;"
             "PRAGMA cache_size=-" +
             std::to_string(options.cache_kib)));
  if (options.access == Access::memory) return {};
  if (!writes_) {
    // Reads the header, so that a file that is no database is found here.
    return script("PRAGMA query_only=ON; SELECT COUNT(*) FROM sqlite_schema");
  }
  std::string mode;
  constexpr StatementInfo to_wal{"journal_mode", "PRAGMA journal_mode=WAL", -1};
  GIMS_TRY(step(
      to_wal, [](Cursor&) {},
      [&](const Cursor& row) {
        mode = row.bytes(0);
        return true;
      }));
  if (mode != "wal") {
    return fail(ErrorKind::internal, "M_UNKNOWN", "The server failed to use its database.",
                "write-ahead logging cannot be had; the journal mode is " + mode);
  }
  // FULL: fsync of the log in each commit. secure_delete: what is deleted is overwritten.
  GIMS_TRY(script("PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA wal_autocheckpoint=0"));
  ::sqlite3_wal_hook(
      database_,
      [](void* self, sqlite3*, const char*, int frames) noexcept {
        static_cast<Connection*>(self)->log_frames_ = frames;
        return SQLITE_OK;
      },
      this);
  return {};
}

Result<> Connection::script(std::string_view literal) {
  const int code =
      ::sqlite3_exec(database_, std::string(literal).c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failed(code, "a script");
  return {};
}

Result<> Connection::step(const StatementInfo& statement, const Bind& bind, const EachRow& row) {
  auto& slots = statements_->of_program;
  Statements::Slot once;  // for statements without a slot, and for those that run already
  Statements::Slot* slot = &once;
  if (statement.index >= 0) {
    const auto index = static_cast<std::size_t>(statement.index);
    if (index >= slots.size()) slots.resize(index + 1);
    if (!slots[index].running) slot = &slots[index];
  }
  if (!slot->statement) {
    const int code = prepare(database_, statement, slot->statement);
    if (code != SQLITE_OK) return failed(code, statement.name);
  }
  const Running running(slot->statement.get(), slot->running);
  StatementCursor cursor(slot->statement.get());
  bind(cursor);
  if (cursor.code() != SQLITE_OK) return failed(cursor.code(), statement.name);
  for (;;) {
    const int code = ::sqlite3_step(slot->statement.get());
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return failed(code, statement.name);
    if (!row(cursor)) return {};
  }
}

Result<> Connection::control(const StatementInfo& statement) noexcept {
  auto& slot = statements_->of_driver[static_cast<std::size_t>(statement.index)];
  if (!slot.statement) {
    const int code = prepare(database_, statement, slot.statement);
    if (code != SQLITE_OK) return failed(code, statement.name);
  }
  const Running running(slot.statement.get(), slot.running);
  const int code = ::sqlite3_step(slot.statement.get());
  if (code != SQLITE_DONE) return failed(code, statement.name);
  return {};
}

Result<> Connection::begin() { return control(writes_ ? begin_writing_info : begin_reading_info); }
Result<> Connection::commit() { return control(commit_info); }
Result<> Connection::rollback() noexcept {
  if (!in_transaction()) return {};  // the engine did it already
  return control(rollback_info);
}
Result<> Connection::savepoint() { return control(savepoint_info); }
Result<> Connection::release_savepoint() { return control(release_info); }
Result<> Connection::rollback_savepoint() noexcept {
  GIMS_TRY(control(rollback_to_info));
  return control(release_info);
}

bool Connection::in_transaction() const noexcept {
  return ::sqlite3_get_autocommit(database_) == 0;
}

std::int64_t Connection::changes() const noexcept { return ::sqlite3_changes64(database_); }

Result<CheckpointOutcome> Connection::checkpoint(Checkpoint how) {
  int frames = 0;
  int copied = 0;
  const int mode = how == Checkpoint::passive   ? SQLITE_CHECKPOINT_PASSIVE
                   : how == Checkpoint::restart ? SQLITE_CHECKPOINT_RESTART
                                                : SQLITE_CHECKPOINT_TRUNCATE;
  const int code = ::sqlite3_wal_checkpoint_v2(database_, nullptr, mode, &frames, &copied);
  const bool held_up = (code & 0xff) == SQLITE_BUSY;
  if (code != SQLITE_OK && !held_up) return failed(code, "a checkpoint");
  return CheckpointOutcome{
      .log_frames = frames, .copied_frames = copied, .complete = !held_up && frames == copied};
}

void Connection::keep_log_on_close() noexcept {
  static_cast<void>(::sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr));
}

Result<std::vector<std::string>> Connection::check(bool full, const std::function<bool()>& go_on,
                                                   int most) {
  // Instructions of SQLite's machine between two questions.
  constexpr int steps = 10'000;
  if (go_on) {
    ::sqlite3_progress_handler(
        database_, steps,
        [](void* asked) noexcept {
          return (*static_cast<const std::function<bool()>*>(asked))() ? 0 : 1;
        },
        const_cast<std::function<bool()>*>(
            &go_on));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  }
  const std::string text = std::string(full ? "PRAGMA integrity_check(" : "PRAGMA quick_check(") +
                           std::to_string(most) + ")";
  std::vector<std::string> faults;
  Result<> read = step(
      {.name = "check", .text = text, .index = -1}, [](Cursor&) {},
      [&](const Cursor& row) {
        if (row.bytes(0) != "ok") faults.emplace_back(row.bytes(0));
        return true;
      });
  // It takes an inner page without a child for an empty tree, which every use of it stumbles over:
  // so does this walk of the pages.
  if (read && full && faults.empty()) {
    read = step(
        {.name = "check", .text = "SELECT count(*) FROM dbstat", .index = -1}, [](Cursor&) {},
        [](const Cursor&) { return true; });
  }
  ::sqlite3_progress_handler(database_, 0, nullptr, nullptr);
  GIMS_TRY(read);
  return faults;
}

std::size_t Connection::cached_statements() const noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      statements_->of_program,
      [](const Statements::Slot& slot) { return static_cast<bool>(slot.statement); }));
}

}  // namespace gims::sql::sqlite
