// The one writer: operations in the order they came, many to a commit (group commit), each in a
// savepoint of its own. Acknowledged means on disk: `done` runs after the COMMIT with fsync.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "sql/connection.hpp"
#include "store/changes.hpp"

namespace gims::store {

// What an operation works with; lives while it runs, on the writer's thread.
class Transaction {
 public:
  Transaction() = default;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  virtual ~Transaction() = default;

  [[nodiscard]] virtual sql::Connection& sql() noexcept = 0;
  // The next position of the stream. A gap is left where the operation fails.
  [[nodiscard]] virtual StreamId next_position() noexcept = 0;
  [[nodiscard]] virtual Millis now_ms() const noexcept = 0;
  // Told to the listeners after the commit; forgotten when the operation or the batch fails.
  virtual void publish(Change change) = 0;
  // Called on the writer's thread when this operation or, later, its batch fails: drop whatever
  // memory took from it (a cached room state). Not called after the commit.
  virtual void on_failure(std::move_only_function<void()> undo) = 0;
};

class Writer {
 public:
  Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  virtual ~Writer() = default;

  // Runs `work` on the writer's thread, then `done` with what it gave. `done` runs there too, in
  // the order of submission, after the commit of the batch and after the listeners heard of it:
  // also that of an operation that failed and was rolled back, since what it saw was not committed
  // before. When the commit fails every operation of the batch is done with `unavailable`, and the
  // store is read-only from then on. A full queue (limit: StoreOptions), a read-only store and a
  // stopped one call `done` at once, on this thread, with `unavailable`. `done` must not block; it
  // may submit.
  template <class Work, class Done>
  void submit(Work work, Done done) {
    using Value = std::invoke_result_t<Work&, Transaction&>::value_type;
    if constexpr (std::is_void_v<Value>) {
      enqueue(
          [work = std::move(work)](Transaction& transaction) mutable { return work(transaction); },
          [done = std::move(done)](Result<> outcome) mutable { done(std::move(outcome)); });
    } else {
      auto value = std::make_shared<std::optional<Value>>();
      enqueue(
          [work = std::move(work), value](Transaction& transaction) mutable -> Result<> {
            GIMS_TRY_ASSIGN(*value, work(transaction));
            return {};
          },
          [done = std::move(done), value](Result<> outcome) mutable {
            if (!outcome) {
              done(Result<Value>(std::unexpected(std::move(outcome).error())));
            } else {
              done(Result<Value>(std::move(**value)));
            }
          });
    }
  }

  // Set once a commit failed; cleared only by a restart. Any thread.
  [[nodiscard]] virtual bool read_only() const noexcept = 0;
  // What failed, for an administrator; empty while the store takes writes. Any thread.
  [[nodiscard]] virtual std::string read_only_reason() const = 0;

 protected:
  using Work = std::move_only_function<Result<>(Transaction&)>;
  using Done = std::move_only_function<void(Result<>)>;
  virtual void enqueue(Work work, Done done) = 0;
};

}  // namespace gims::store
