// Copies the write-ahead log into the database on a thread of its own, so that no commit waits for
// it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "sql/sqlite/connection.hpp"
#include "store/checkpointer_options.hpp"

namespace gims::store {

// The log begins anew by itself once all of it is copied and no reader uses it; under steady load
// that moment does not come, the log grows to most_frames, and the writer pauses between two
// batches while the last step is copied.
class Checkpointer {
 public:
  // `connection` belongs to the thread from start() to stop(). Its busy_timeout bounds the writer's
  // pause where readers keep the log from beginning anew; then it grows on, by a step.
  Checkpointer(std::unique_ptr<sql::sqlite::Connection> connection, CheckpointerOptions options);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  void start();
  void stop();
  // By the writer after each commit: the frames in the log. Waits when there are too many.
  void committed(std::int64_t log_frames);
  // By the writer when the store is read-only: the log is left as it is, also when the file closes.
  void leave_log() noexcept;

 private:
  void run();
  void copy(std::unique_lock<std::mutex>& lock);
  void give_space_back(std::unique_lock<std::mutex>& lock);

  std::unique_ptr<sql::sqlite::Connection> connection_;
  const CheckpointerOptions options_;
  std::mutex mutex_;
  std::condition_variable wake_;    // of the thread
  std::condition_variable copied_;  // of the writer that waits
  std::int64_t frames_ = 0;         // in the log, as the last commit told
  std::int64_t copied_frames_ = 0;  // of those, in the database
  std::int64_t pause_at_;           // frames from which the writer waits
  bool writer_waits_ = false;
  bool leave_log_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gims::store
