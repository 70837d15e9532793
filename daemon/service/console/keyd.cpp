#include "service/console/keyd.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/thread_name.hpp"

namespace gims::service::console {
namespace {

std::unexpected<Error> unavailable(std::string_view text) {
  return fail(ErrorKind::unavailable, "GIMS_UNAVAILABLE", text);
}

}  // namespace

Keyd::~Keyd() { stop(); }

void Keyd::start() {
  if (approvals_ == nullptr) return;
  refresh();
  thread_ = std::thread([this] { run(); });
}

void Keyd::stop() {
  std::deque<Job> left;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    left.swap(jobs_);
  }
  there_is_work_.notify_all();
  for (Job& job : left) job(unavailable("The server is stopping. Try again shortly."));
  if (thread_.joinable()) thread_.join();
}

void Keyd::run() {
  name_this_thread("console-keyd");
  std::unique_lock lock(mutex_);
  auto next = std::chrono::steady_clock::now() + pause_;
  while (!stopping_) {
    const bool asked = !jobs_.empty();
    if (asked) {
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job(approvals_);
      lock.lock();
    }
    if (asked || std::chrono::steady_clock::now() >= next) {
      lock.unlock();
      refresh();
      lock.lock();
      next = std::chrono::steady_clock::now() + pause_;
    } else {
      there_is_work_.wait_until(lock, next, [this] { return stopping_ || !jobs_.empty(); });
    }
  }
}

void Keyd::refresh() {
  auto found = approvals_->administrators();
  if (!found) {
    if (!failing_) {
      log::failure(log::id::keyd_acts_waiting,
                   "gims-keyd does not say who the administrators are; those of before go on",
                   found.error());
    }
    failing_ = true;
    return;
  }
  failing_ = false;
  const std::scoped_lock lock(mutex_);
  registry_ = std::move(*found);
}

std::optional<hsm::approval::Administrator> Keyd::find(std::string_view name) {
  const std::scoped_lock lock(mutex_);
  const auto* const found = registry_.find(name);
  if (found == nullptr) return std::nullopt;
  return *found;
}

std::vector<hsm::approval::Administrator> Keyd::all() {
  const std::scoped_lock lock(mutex_);
  return {registry_.all().begin(), registry_.all().end()};
}

void Keyd::ask(Job job) {
  if (approvals_ == nullptr) return job(unavailable("This site has no gims-keyd."));
  {
    const std::scoped_lock lock(mutex_);
    if (!stopping_ && jobs_.size() < most_jobs) {
      jobs_.push_back(std::move(job));
      there_is_work_.notify_all();
      return;
    }
  }
  job(unavailable("The server is busy. Try again shortly."));
}

}  // namespace gims::service::console
