#include "store/batch_writer.hpp"

#include <utility>

#include "base/log.hpp"
#include "store/statements/meta.hpp"

namespace gims::store {
namespace {

// What an operation of a failed batch is told, whatever the cause.
Error unavailable(const Error& cause) {
  Error error = cause;
  error.kind = ErrorKind::unavailable;
  error.code = "M_UNKNOWN";
  error.retry_after.reset();
  return error;
}

Error refusal(std::string_view text, std::string_view detail) {
  return fail(ErrorKind::unavailable, "M_UNKNOWN", text, detail).error();
}

}  // namespace

// What a batch gathers besides the database's own changes. Marks tell where an operation began, so
// that what it gathered goes with its savepoint.
class BatchWriter::Batch final : public Transaction {
 public:
  Batch(sql::Connection& connection, const Clock& clock, StreamId& last) noexcept
      : connection_(connection), clock_(clock), last_(last) {}

  [[nodiscard]] sql::Connection& sql() noexcept override { return connection_; }
  [[nodiscard]] StreamId next_position() noexcept override { return ++last_; }
  [[nodiscard]] Millis now_ms() const noexcept override { return clock_.now_ms(); }
  void publish(Change change) override { changes_.push_back(std::move(change)); }
  void on_failure(std::move_only_function<void()> undo) override {
    undos_.push_back(std::move(undo));
  }

  void mark() noexcept {
    changes_mark_ = changes_.size();
    undos_mark_ = undos_.size();
  }
  void undo_operation() {
    changes_.erase(changes_.begin() + static_cast<std::ptrdiff_t>(changes_mark_), changes_.end());
    undo_down_to(undos_mark_);
  }
  void undo_all() {
    changes_.clear();
    undo_down_to(0);
  }
  [[nodiscard]] std::span<const Change> changes() const noexcept { return changes_; }

 private:
  // The newest first: an undo may rely on the state that those after it have restored.
  void undo_down_to(std::size_t size) {
    while (undos_.size() > size) {
      auto undo = std::move(undos_.back());
      undos_.pop_back();
      undo();
    }
  }

  sql::Connection& connection_;
  const Clock& clock_;
  StreamId& last_;
  std::vector<Change> changes_;
  std::vector<std::move_only_function<void()>> undos_;
  std::size_t changes_mark_ = 0;
  std::size_t undos_mark_ = 0;
};

BatchWriter::BatchWriter(sql::Connection& connection, const Clock& clock,
                         std::vector<ChangeListener*> listeners, BatchWriterOptions options)
    : connection_(connection),
      clock_(clock),
      listeners_(std::move(listeners)),
      options_(std::move(options)),
      last_taken_(options_.position),
      position_(options_.position) {}

BatchWriter::~BatchWriter() { stop(); }

void BatchWriter::start() {
  thread_ = std::thread([this] { run(); });
}

void BatchWriter::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  work_there_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void BatchWriter::enqueue(Work work, Done done) {
  const char* refused = nullptr;
  const char* detail = "";
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_) {
      refused = "The server is stopping. Try again shortly.";
      detail = "the store is stopped";
    } else if (read_only_) {
      refused = "The server cannot store anything now. Tell the administrator.";
      detail = "the store is read-only";
    } else if (queue_.size() >= options_.queue) {
      refused = "The server is busy. Try again shortly.";
      detail = "the writer's queue is full";
    } else {
      queue_.push_back({std::move(work), std::move(done)});
      // Under the lock: once the answer is there, whoever waits for it may destroy the writer.
      work_there_.notify_one();
      return;
    }
  }
  done(std::unexpected(refusal(refused, detail)));
}

void BatchWriter::run() {
  std::vector<Operation> operations;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      work_there_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      while (!queue_.empty() && operations.size() < options_.batch) {
        operations.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    commit_batch(operations);
    operations.clear();
  }
}

void BatchWriter::commit_batch(std::vector<Operation>& operations) {
  Batch batch(connection_, clock_, last_taken_);
  std::vector<Result<>> outcomes;
  if (read_only_) {  // it was queued before the store turned so
    fail_batch(operations, batch,
               refusal("The server cannot store anything now. Tell the administrator.",
                       "the store is read-only"));
    return;
  }
  // Nothing was written yet, so a lock held by another process (sqlite3 at work on the file) is no
  // reason to stop writing for good.
  if (Result<> begun = connection_.begin(); !begun) {
    if (connection_.broken()) turn_read_only(begun.error());
    fail_batch(operations, batch, begun.error());
    return;
  }
  outcomes.reserve(operations.size());
  if (Result<> stored = run_operations(operations, batch, outcomes); !stored) {
    static_cast<void>(connection_.rollback());
    turn_read_only(stored.error());
    fail_batch(operations, batch, stored.error());
    return;
  }
  const bool heard = last_taken_ != position_ || !batch.changes().empty();
  position_ = last_taken_;
  if (heard) {
    for (ChangeListener* listener : listeners_) listener->committed(last_taken_, batch.changes());
  }
  for (std::size_t i = 0; i < operations.size(); ++i) operations[i].done(std::move(outcomes[i]));
  if (options_.after_commit) options_.after_commit();
}

Result<> BatchWriter::run_operations(std::vector<Operation>& operations, Batch& batch,
                                     std::vector<Result<>>& outcomes) {
  for (Operation& operation : operations) {
    GIMS_TRY(connection_.savepoint());
    batch.mark();
    Result<> outcome = operation.work(batch);
    // An engine that met a failing disk may have given up the whole transaction, whatever the
    // operation made of the error that it saw.
    if (connection_.broken() || !connection_.in_transaction()) {
      if (!outcome) return outcome;
      return std::unexpected(
          refusal("The server cannot store anything now. Tell the administrator.",
                  "the transaction was given up by the database"));
    }
    if (outcome) {
      GIMS_TRY(connection_.release_savepoint());
    } else {
      GIMS_TRY(connection_.rollback_savepoint());
      batch.undo_operation();
    }
    outcomes.push_back(std::move(outcome));
  }
  if (last_taken_ != position_) {
    GIMS_TRY(sql::run(connection_, statements::SetStreamPosition{.position = last_taken_}));
  }
  return connection_.commit();
}

// Nothing is written from now on: after a failed fsync the kernel may have dropped what it could
// not write and say nothing the next time, so only a restart, which reads the files anew, makes
// them certain again. A full disk is treated alike: whoever makes room restarts the server.
void BatchWriter::turn_read_only(const Error& cause) {
  {
    const std::scoped_lock lock(mutex_);
    read_only_reason_ = cause.text;
    if (!cause.detail.empty()) read_only_reason_ += " (" + cause.detail + ")";
  }
  read_only_ = true;
  log::error(log::id::store_read_only,
             "a commit failed: the store is read-only until the server is restarted",
             {{"ERROR", cause.text}, {"DETAIL", cause.detail}});
  if (options_.after_failure) options_.after_failure();
}

// The database is as before the batch; so must be whatever memory took from it.
void BatchWriter::fail_batch(std::vector<Operation>& operations, Batch& batch, const Error& cause) {
  batch.undo_all();
  for (Operation& operation : operations) operation.done(std::unexpected(unavailable(cause)));
}

}  // namespace gims::store
