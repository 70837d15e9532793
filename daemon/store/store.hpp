// The database as the services see it: one writer, many readers, listeners of what was committed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "sql/connection.hpp"
#include "store/changes.hpp"
#include "store/check.hpp"
#include "store/checkpointer_options.hpp"
#include "store/migrations.hpp"
#include "store/writer.hpp"

namespace gims::store {

// When a database that the release before this one wrote is brought to this one's schema.
enum class Migrate : std::uint8_t {
  at_open,
  when_told,  // Store::pending(): until then the release before this one can serve it again
};

struct StoreOptions {
  std::filesystem::path database;                // the SQLite file; its folder must exist
  std::size_t readers = 8;                       // read connections at most; a lease waits for one
  std::size_t queue = 8192;                      // operations that may wait for the writer
  std::size_t batch = 256;                       // operations in one commit at most
  std::chrono::milliseconds lease_wait{10'000};  // for a read connection; then `unavailable`
  CheckpointerOptions checkpoints{};
  Migrate migrate = Migrate::at_open;
  Schema schema = release_schema();
  std::string vfs{};  // empty: the system's. Tests put a failing one here.
};

class Store;

// A read connection with a snapshot of its own (everything committed when it was leased), given
// back when it goes. Keep it short; never across a wait. One thread.
class Reader {
 public:
  Reader(Reader&& other) noexcept;
  Reader& operator=(Reader&&) = delete;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();
  [[nodiscard]] sql::Connection& sql() noexcept { return *connection_; }
  // The snapshot holds everything up to this position and nothing beyond. It may be ahead of
  // Store::position() by the batch whose listeners are being told at this moment.
  [[nodiscard]] StreamId position() const noexcept { return position_; }

 private:
  friend class Store;
  Reader(Store& store, std::unique_ptr<sql::Connection> connection, StreamId position) noexcept;
  Store* store_;
  std::unique_ptr<sql::Connection> connection_;
  StreamId position_;
};

class Store {
 public:
  // Opens or makes the database, runs the migrations or leaves them, starts the writer. A newer
  // schema, a damaged file or a folder that cannot be written is an error that says what to do.
  // `listeners` live as long as the store.
  [[nodiscard]] static Result<std::unique_ptr<Store>> open(StoreOptions options, const Clock& clock,
                                                           std::vector<ChangeListener*> listeners);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();  // as stop()

  [[nodiscard]] Writer& writer() noexcept;
  [[nodiscard]] Result<Reader> read();
  // Everything at or below it is committed and told to the listeners.
  [[nodiscard]] StreamId position() const noexcept;
  // Reads the whole file for damage: seconds to minutes; `full` compares indexes with tables, too,
  // and looks at every event and at all that is JSON. Empty: nothing was found. Any thread; others
  // go on working meanwhile. While the file itself is read the write-ahead log can only grow.
  [[nodiscard]] Result<Faults> check(bool full, const CheckTell& tell = {});
  // What the first statement said that met a damaged file since the start; nothing: none did.
  [[nodiscard]] std::optional<std::string> damage() const;
  // The migrations that the database does not have yet, oldest first, to be applied each in an
  // operation of the writer (apply()); statics. Empty but with Migrate::when_told.
  [[nodiscard]] Result<std::span<const Migration>> pending();
  // Finishes what is queued, waits for the leased readers, then closes. Operations submitted later
  // are answered `unavailable`. Not from the writer's thread, and not with a Reader in hand.
  void stop();

 private:
  friend class Reader;
  struct Parts;
  explicit Store(std::unique_ptr<Parts> parts) noexcept;
  [[nodiscard]] static Result<> open_parts(Parts& made, const Clock& clock,
                                           std::vector<ChangeListener*> listeners);
  [[nodiscard]] Result<StreamId> begin_snapshot(std::unique_ptr<sql::Connection>& connection);
  void give_back(std::unique_ptr<sql::Connection> connection) noexcept;
  std::unique_ptr<Parts> parts_;
};

}  // namespace gims::store
