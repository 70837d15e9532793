// A fixed number of threads for what would hold a loop up: handlers that read much, media files
// that go to the disk.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace gims::http {

// Thread: any.
class WorkerPool {
 public:
  using Job = std::move_only_function<void()>;

  WorkerPool(unsigned workers, std::size_t queue);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  // False, and `job` untouched, when the queue is full or the pool has stopped.
  [[nodiscard]] bool submit(Job& job);
  // Ahead of the queue and whatever its length; for the watchdog.
  void submit_first(Job job);
  // Drops the jobs that wait (what they own answers for itself), joins the threads. Idempotent.
  void stop();

 private:
  void work();

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace gims::http
