#include "store/maintenance.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "store/run_on_writer.hpp"

namespace gims::store {

void Maintenance::add(std::string name, std::chrono::milliseconds interval, Step step) {
  tasks_.push_back({.name = std::move(name),
                    .interval = interval,
                    .step = std::move(step),
                    .due = clock_.steady() + interval});
}

void Maintenance::start() {
  if (!tasks_.empty()) thread_ = std::thread([this] { run(); });
}

void Maintenance::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Maintenance::run() {
  name_this_thread("maintenance");
  for (;;) {
    const auto next = std::ranges::min(tasks_, {}, &Task::due).due;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, next - clock_.steady(), [this] { return stopping_; });
      if (stopping_) return;
    }
    run_due(clock_.steady());
  }
}

void Maintenance::run_due(std::chrono::steady_clock::time_point now) {
  for (Task& task : tasks_) {
    if (task.due > now) continue;
    finish(task);
    task.due = now + task.interval;
  }
}

void Maintenance::finish(const Task& task) {
  for (;;) {
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
    }
    const Result<bool> more = run_on_writer(
        writer_, [&task](Transaction& transaction) { return task.step(transaction); });
    if (!more) {
      log::failure(log::id::maintenance_failed, "maintenance of the database failed: " + task.name,
                   more.error());
    }
    if (!more || !*more) return;
  }
}

}  // namespace gims::store
