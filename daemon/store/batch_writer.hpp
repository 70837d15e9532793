// The Writer over one connection and one thread of its own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "sql/connection.hpp"
#include "store/changes.hpp"
#include "store/writer.hpp"

namespace gims::store {

struct BatchWriterOptions {
  std::size_t queue = 8192;
  std::size_t batch = 256;
  StreamId position = 0;  // the last one that was committed before
  // On the writer's thread: after each commit and its `done` calls; when the store turns read-only.
  std::function<void()> after_commit;
  std::function<void()> after_failure;
};

class BatchWriter final : public Writer {
 public:
  // Everything passed by reference lives longer. The thread starts with start().
  BatchWriter(sql::Connection& connection, const Clock& clock,
              std::vector<ChangeListener*> listeners, BatchWriterOptions options);
  BatchWriter(const BatchWriter&) = delete;
  BatchWriter& operator=(const BatchWriter&) = delete;
  ~BatchWriter() override;

  void start();
  // Finishes what is queued and ends the thread. Not from the writer's thread.
  void stop();

  [[nodiscard]] bool read_only() const noexcept override { return read_only_; }
  [[nodiscard]] std::string read_only_reason() const override {
    const std::scoped_lock lock(mutex_);
    return read_only_reason_;
  }
  [[nodiscard]] StreamId position() const noexcept { return position_; }

 private:
  struct Operation {
    Work work;
    Done done;
  };
  class Batch;

  void enqueue(Work work, Done done) override;
  void run();
  void commit_batch(std::vector<Operation>& operations);
  [[nodiscard]] Result<> run_operations(std::vector<Operation>& operations, Batch& batch,
                                        std::vector<Result<>>& outcomes);
  void turn_read_only(const Error& cause);
  void fail_batch(std::vector<Operation>& operations, Batch& batch, const Error& cause);

  sql::Connection& connection_;
  const Clock& clock_;
  const std::vector<ChangeListener*> listeners_;
  const BatchWriterOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable work_there_;
  std::deque<Operation> queue_;
  bool stopping_ = false;
  std::string read_only_reason_;

  StreamId last_taken_;  // of the writer's thread alone; ahead of position_ during a batch
  std::atomic<StreamId> position_;
  std::atomic<bool> read_only_ = false;
  std::thread thread_;
};

}  // namespace gims::store
