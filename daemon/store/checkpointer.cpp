#include "store/checkpointer.hpp"

#include <utility>

#include "base/log.hpp"

namespace gims::store {

using sql::sqlite::Checkpoint;

Checkpointer::Checkpointer(std::unique_ptr<sql::sqlite::Connection> connection,
                           CheckpointerOptions options)
    : connection_(std::move(connection)), options_(options), pause_at_(options.most_frames) {}

Checkpointer::~Checkpointer() { stop(); }

void Checkpointer::start() {
  thread_ = std::thread([this] { run(); });
}

void Checkpointer::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  copied_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (leave_log_) connection_->keep_log_on_close();
}

void Checkpointer::committed(std::int64_t log_frames) {
  std::unique_lock lock(mutex_);
  const bool was_empty = frames_ == 0;
  if (log_frames < frames_) copied_frames_ = 0;  // the log began anew
  frames_ = log_frames;
  writer_waits_ = frames_ >= pause_at_;
  if (was_empty || writer_waits_ || frames_ - copied_frames_ >= options_.step_frames) {
    wake_.notify_one();
  }
  copied_.wait(lock, [this] { return !writer_waits_ || stopping_ || leave_log_; });
}

void Checkpointer::leave_log() noexcept {
  const std::scoped_lock lock(mutex_);
  leave_log_ = true;
}

void Checkpointer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto due = [this] {
      return stopping_ || writer_waits_ || frames_ - copied_frames_ >= options_.step_frames;
    };
    if (frames_ == 0 || leave_log_) {
      wake_.wait(lock, [this] { return stopping_ || (frames_ > 0 && !leave_log_); });
      continue;
    }
    const std::int64_t before = frames_;
    if (wake_.wait_for(lock, options_.idle, due)) {
      if (!stopping_ && !leave_log_) copy(lock);
    } else if (frames_ == before && !leave_log_) {
      give_space_back(lock);
    }
  }
}

void Checkpointer::copy(std::unique_lock<std::mutex>& lock) {
  const bool restart = writer_waits_;
  lock.unlock();
  const auto done = connection_->checkpoint(restart ? Checkpoint::restart : Checkpoint::passive);
  lock.lock();
  if (!done) {
    // The commits are safe in the log, and a copy that failed is made anew, so it is tried again
    // after another step: room on a full disk may be back by then.
    log::failure(log::id::checkpoint_failed,
                 "the write-ahead log could not be copied into the database", done.error());
    copied_frames_ = frames_;
    if (restart) pause_at_ = frames_ + options_.step_frames;
  } else if (restart && done->complete) {
    frames_ = 0;
    copied_frames_ = 0;
    pause_at_ = options_.most_frames;
  } else {
    copied_frames_ = restart ? frames_ : done->copied_frames;
    if (restart) pause_at_ = frames_ + options_.step_frames;
  }
  // A writer that began to wait during a passive copy is waiting for the next one.
  if (restart) writer_waits_ = false;
  copied_.notify_all();
}

void Checkpointer::give_space_back(std::unique_lock<std::mutex>& lock) {
  const std::int64_t before = frames_;
  lock.unlock();
  const auto done = connection_->checkpoint(Checkpoint::truncate);
  lock.lock();
  if (!done) {
    log::failure(log::id::checkpoint_failed, "the write-ahead log could not be emptied",
                 done.error());
    frames_ = 0;  // until the next commit: not again every idle while
    copied_frames_ = 0;
  } else if (done->complete && frames_ == before) {
    frames_ = 0;
    copied_frames_ = 0;
  }
}

}  // namespace gims::store
