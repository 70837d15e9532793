// What the database needs from time to time: old rows forgotten. Small operations among the others
// of the writer, so that no request waits long for them.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/writer.hpp"

namespace gims::store {

class Maintenance {
 public:
  // One step of a task, on the writer's thread: true when there is more to do at once.
  using Step = std::function<Result<bool>(Transaction&)>;

  // Both live longer; stop() comes before the writer's.
  Maintenance(Writer& writer, const Clock& clock) noexcept : writer_(writer), clock_(clock) {}
  Maintenance(const Maintenance&) = delete;
  Maintenance& operator=(const Maintenance&) = delete;
  ~Maintenance() { stop(); }

  // Before start(). The first run comes one interval after it.
  void add(std::string name, std::chrono::milliseconds interval, Step step);
  void start();
  void stop();
  // Runs every task that is due at `now`, each until it has no more to do or fails (which the
  // journal says; it is tried again after its interval). Waits for each step's commit. The thread
  // calls this.
  void run_due(std::chrono::steady_clock::time_point now);

 private:
  struct Task {
    std::string name;
    std::chrono::milliseconds interval;
    Step step;
    std::chrono::steady_clock::time_point due;
  };
  void run();
  void finish(const Task& task);

  Writer& writer_;
  const Clock& clock_;
  std::vector<Task> tasks_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gims::store
