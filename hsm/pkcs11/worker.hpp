// A thread in which the module runs, so that one that hangs does not hang the process.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "sys/event_fd.hpp"

namespace gims::hsm::pkcs11 {

// One task at a time. A task that does not return cannot be ended; the process can.
// Thread: that of its owner, the tasks excepted.
class Worker {
 public:
  using Task = std::move_only_function<void()>;

  [[nodiscard]] static Result<std::unique_ptr<Worker>> start();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  // Waits for the task to end, and for the thread.
  ~Worker();

  // There must be none under way.
  void run(Task task);
  // Readable when the task has ended.
  [[nodiscard]] int fd() const noexcept { return done_.fd(); }
  // True once for each task that has ended.
  [[nodiscard]] bool has_ended() const noexcept { return done_.drain(); }
  // Runs the task and waits for its end. False: it has not ended within the limit.
  [[nodiscard]] bool run_within(Task task, std::chrono::milliseconds limit);

 private:
  explicit Worker(sys::EventFd done) : done_(std::move(done)) {}
  void work();

  sys::EventFd done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Task task_;
  bool stop_ = false;
  std::thread thread_;
};

// Ends the process (status 1, an entry of the journal) without waiting for the thread that hangs in
// the module, as exit() would.
[[noreturn]] void end_hung_process();

}  // namespace gims::hsm::pkcs11
