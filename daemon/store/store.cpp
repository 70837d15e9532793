#include "store/store.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "sql/sqlite/connection.hpp"
#include "store/batch_writer.hpp"
#include "store/checkpointer.hpp"
#include "store/migrations.hpp"
#include "store/schema.hpp"
#include "store/statements/meta.hpp"

namespace gims::store {
namespace {

using sql::sqlite::Access;
using SqliteConnection = sql::sqlite::Connection;

// Page caches at most, in KiB. The writer's is to hold the pages of the indexes that events go
// into; four times as much made no measurable difference (tests/bench/store_bench.cpp).
constexpr int writer_cache = 16'384;
constexpr int reader_cache = 2'048;
// The checkpointer may hold the writer up for so long, not longer.
constexpr std::chrono::milliseconds checkpoint_patience{100};

Error stopped() {
  return fail(ErrorKind::unavailable, "M_UNKNOWN", "The server is stopping. Try again shortly.",
              "the store is stopped")
      .error();
}

// The steps are numbered from 1 on.
std::span<const Migration> up_to(const Schema& schema, int version) {
  return schema.steps.first(static_cast<std::size_t>(version));
}

}  // namespace

struct Store::Parts {
  StoreOptions options;
  std::unique_ptr<SqliteConnection> writing;
  std::unique_ptr<Checkpointer> checkpointer;
  std::unique_ptr<BatchWriter> writer;

  std::mutex mutex;
  std::condition_variable given_back;
  std::vector<std::unique_ptr<sql::Connection>> idle;
  std::size_t made = 0;  // connections, idle and leased
  bool closed = false;

  mutable std::mutex damage_mutex;  // held for a moment; taken last
  std::optional<std::string> damage;

  void note_damage(const Error& error) {
    {
      const std::scoped_lock lock(damage_mutex);
      if (damage) return;
      damage = error.detail;
    }
    log::error(log::id::store_damaged,
               "The database is damaged: run 'gimsctl check --full', and see the administrator's "
               "guide.",
               {{"ERROR", error.text}, {"DETAIL", error.detail}});
  }

  [[nodiscard]] sql::sqlite::OpenOptions opening(Access access, int cache_kib) {
    sql::sqlite::OpenOptions opening;
    opening.file = options.database;
    opening.access = access;
    opening.cache_kib = cache_kib;
    opening.vfs = options.vfs;
    opening.on_damage = [this](const Error& error) { note_damage(error); };
    return opening;
  }
};

Reader::Reader(Store& store, std::unique_ptr<sql::Connection> connection,
               StreamId position) noexcept
    : store_(&store), connection_(std::move(connection)), position_(position) {}
Reader::Reader(Reader&& other) noexcept = default;
Reader::~Reader() {
  if (connection_) store_->give_back(std::move(connection_));
}

Store::Store(std::unique_ptr<Parts> parts) noexcept : parts_(std::move(parts)) {}
Store::~Store() { stop(); }

Result<std::unique_ptr<Store>> Store::open(StoreOptions options, const Clock& clock,
                                           std::vector<ChangeListener*> listeners) {
  auto parts = std::make_unique<Parts>();
  parts->options = std::move(options);
  auto opened = open_parts(*parts, clock, std::move(listeners));
  if (!opened && parts->damage) return std::unexpected(damaged(*parts->damage));
  GIMS_TRY(std::move(opened));
  return std::unique_ptr<Store>(new Store(std::move(parts)));
}

Result<> Store::open_parts(Parts& made, const Clock& clock,
                           std::vector<ChangeListener*> listeners) {
  Parts* const parts = &made;
  GIMS_TRY_ASSIGN(parts->writing,
                  SqliteConnection::open(parts->opening(Access::write, writer_cache)));
  const Schema& schema = parts->options.schema;
  int version = schema.steps.back().number;
  if (parts->options.migrate == Migrate::at_open) {
    GIMS_TRY(migrate(*parts->writing, schema.steps));
  } else {
    GIMS_TRY_ASSIGN(version, migrate_to_served(*parts->writing, schema));
  }
  GIMS_TRY(check_schema(*parts->writing, up_to(schema, version)));
  GIMS_TRY_ASSIGN(const auto last, sql::first(*parts->writing, statements::StreamPosition{}));
  if (!last) return std::unexpected(damaged("the table stream_position has no row"));
  GIMS_TRY(check_ends(*parts->writing, last->position));

  auto checkpointing = parts->opening(Access::write, reader_cache);
  checkpointing.busy_timeout = checkpoint_patience;
  GIMS_TRY_ASSIGN(auto connection, SqliteConnection::open(checkpointing));
  parts->checkpointer =
      std::make_unique<Checkpointer>(std::move(connection), parts->options.checkpoints);

  BatchWriterOptions writing;
  writing.queue = parts->options.queue;
  writing.batch = parts->options.batch;
  writing.position = last->position;
  writing.after_commit = [all = parts] {
    all->checkpointer->committed(all->writing->log_frames());
  };
  writing.after_failure = [all = parts] {
    all->writing->keep_log_on_close();
    all->checkpointer->leave_log();
  };
  parts->writer = std::make_unique<BatchWriter>(*parts->writing, clock, std::move(listeners),
                                                std::move(writing));
  parts->checkpointer->start();
  parts->writer->start();
  return {};
}

Writer& Store::writer() noexcept { return *parts_->writer; }

StreamId Store::position() const noexcept { return parts_->writer->position(); }

Result<Reader> Store::read() {
  std::unique_ptr<sql::Connection> connection;
  {
    std::unique_lock lock(parts_->mutex);
    const bool had = parts_->given_back.wait_for(lock, parts_->options.lease_wait, [this] {
      return parts_->closed || !parts_->idle.empty() || parts_->made < parts_->options.readers;
    });
    if (parts_->closed) return std::unexpected(stopped());
    if (!had) {
      return fail(ErrorKind::unavailable, "M_UNKNOWN", "The server is busy. Try again shortly.",
                  "every read connection was leased for too long");
    }
    if (parts_->idle.empty()) {
      ++parts_->made;
    } else {
      connection = std::move(parts_->idle.back());
      parts_->idle.pop_back();
    }
  }
  Result<StreamId> position = begin_snapshot(connection);
  if (!position) {
    give_back(std::move(connection));
    return std::unexpected(std::move(position).error());
  }
  return Reader(*this, std::move(connection), *position);
}

Result<StreamId> Store::begin_snapshot(std::unique_ptr<sql::Connection>& connection) {
  if (!connection) {
    GIMS_TRY_ASSIGN(connection,
                    SqliteConnection::open(parts_->opening(Access::read, reader_cache)));
  }
  GIMS_TRY(connection->begin());
  // The first read takes the snapshot, and this row is written in every batch: the position is that
  // of the snapshot itself, not one read before or after it.
  GIMS_TRY_ASSIGN(const auto row, sql::first(*connection, statements::StreamPosition{}));
  GIMS_CHECK(row);  // seen at open, and never deleted
  return row->position;
}

Result<std::span<const Migration>> Store::pending() {
  GIMS_TRY_ASSIGN(Reader reader, read());
  GIMS_TRY_ASSIGN(const int version, schema_version(reader.sql()));
  return parts_->options.schema.steps.subspan(static_cast<std::size_t>(version));
}

// An empty one stands for a connection that could not be made.
void Store::give_back(std::unique_ptr<sql::Connection> connection) noexcept {
  if (connection && (!connection->rollback() || connection->broken())) connection.reset();
  {
    const std::scoped_lock lock(parts_->mutex);
    if (connection && !parts_->closed) {
      parts_->idle.push_back(std::move(connection));
    } else {
      --parts_->made;
    }
  }
  connection.reset();
  parts_->given_back.notify_all();
}

Result<Faults> Store::check(bool full, const CheckTell& tell) {
  const CheckTell told = tell ? tell : [](const CheckProgress&) { return true; };
  Faults faults;
  {
    GIMS_TRY_ASSIGN(auto connection,
                    SqliteConnection::open(parts_->opening(Access::read, reader_cache)));
    auto of_file = connection->check(full, [&] { return told({.step = "the file"}); });
    // So damaged that the engine cannot even say where.
    if (!of_file && connection->damaged()) of_file = Faults{of_file.error().detail};
    GIMS_TRY_ASSIGN(faults, std::move(of_file));
  }
  GIMS_TRY(check_contents(*this, full, told, faults));
  return faults;
}

std::optional<std::string> Store::damage() const {
  const std::scoped_lock lock(parts_->damage_mutex);
  return parts_->damage;
}

void Store::stop() {
  if (!parts_) return;
  parts_->writer->stop();
  std::vector<std::unique_ptr<sql::Connection>> idle;
  {
    std::unique_lock lock(parts_->mutex);
    parts_->closed = true;
    parts_->made -= parts_->idle.size();
    idle.swap(parts_->idle);
    parts_->given_back.notify_all();
    parts_->given_back.wait(lock, [this] { return parts_->made == 0; });
  }
  idle.clear();
  parts_->checkpointer->stop();
}

}  // namespace gims::store
