#include "hsm/pkcs11/worker.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.hpp"
#include "base/log.hpp"

namespace gims::hsm::pkcs11 {

using SteadyClock = std::chrono::steady_clock;

Result<std::unique_ptr<Worker>> Worker::start() {
  GIMS_TRY_ASSIGN(sys::EventFd done, sys::EventFd::create());
  std::unique_ptr<Worker> worker(new Worker(std::move(done)));
  worker->thread_ = std::thread([raw = worker.get()] { raw->work(); });
  return worker;
}

Worker::~Worker() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Worker::run(Task task) {
  {
    const std::scoped_lock lock(mutex_);
    GIMS_CHECK(!task_);
    task_ = std::move(task);
  }
  wake_.notify_one();
}

bool Worker::run_within(Task task, std::chrono::milliseconds limit) {
  const auto deadline = SteadyClock::now() + limit;
  run(std::move(task));
  while (!has_ended()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) return false;
    pollfd entry{.fd = fd(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, static_cast<int>(left.count())) < 0) GIMS_CHECK(errno == EINTR);
  }
  return true;
}

void Worker::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || task_; });
    if (!task_) return;
    Task task = std::exchange(task_, nullptr);
    lock.unlock();
    task();
    // What it held goes before its owner hears of its end.
    task = nullptr;
    done_.signal();
    lock.lock();
  }
}

void end_hung_process() {
  log::error(log::id::hsm_hangs,
             "the HSM's module does not answer within the time limit: the process ends");
  ::_exit(1);
}

}  // namespace gims::hsm::pkcs11
