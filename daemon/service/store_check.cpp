#include "service/store_check.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/thread_name.hpp"
#include "service/errors.hpp"

namespace gims::service {

StoreCheck::StoreCheck(store::Store& store, Media& media, Times times)
    : store_(store), media_(media), times_(times), thread_([this] { work(); }) {}

StoreCheck::~StoreCheck() { stop(); }

void StoreCheck::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void StoreCheck::run(bool full, Done done) {
  {
    const std::scoped_lock lock(mutex_);
    if (!stopping_ && !progress_.running) {
      progress_ = {.running = true, .step = {}};
      full_ = full;
      asked_ = std::move(done);
      changed_.notify_all();
      return;
    }
  }
  done(fail(ErrorKind::conflict, "GIMS_CHECKING", "A check of the store is running already."));
}

void StoreCheck::work() {
  name_this_thread("check");
  auto next = std::chrono::steady_clock::now() + times_.first;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait_until(lock, next, [this] { return stopping_ || asked_; });
    Done done = std::exchange(asked_, nullptr);
    if (stopping_) {
      lock.unlock();
      if (done) done(stopping());
      return;
    }
    progress_.running = true;
    const bool full = done && full_;
    lock.unlock();
    Result<store::Faults> found = check(full);
    lock.lock();
    if (!stopping_) note(found, full);
    progress_ = {};
    next = std::chrono::steady_clock::now() + times_.interval;
    lock.unlock();
    if (done) done(std::move(found));
    lock.lock();
  }
}

Result<store::Faults> StoreCheck::check(bool full) {
  const store::CheckTell told = [this](const store::CheckProgress& now) { return tell(now); };
  GIMS_TRY_ASSIGN(store::Faults faults, store_.check(full, told));
  GIMS_TRY(store::noted(media_.check(full, told, faults), "media", faults));
  return faults;
}

bool StoreCheck::tell(const store::CheckProgress& progress) {
  const std::scoped_lock lock(mutex_);
  progress_ = {.running = true,
               .step = std::string(progress.step),
               .done = progress.done,
               .of = progress.of};
  return !stopping_;
}

// With the lock held.
void StoreCheck::note(const Result<store::Faults>& found, bool full) {
  if (!found) {
    log::failure(log::id::store_check_failed, "The check of the store could not be ended.",
                 found.error());
    return;
  }
  if (found->empty()) {
    // A check that looks at less clears nothing that a full one found.
    if (full || !found_by_full_) found_.reset();
    return;
  }
  found_ = found->front();
  found_by_full_ = full;
  log::error(log::id::store_check_failed,
             "The check of the store found faults: run 'gimsctl check --full', and see the "
             "administrator's guide.",
             {{"DETAIL", *found_}});
}

StoreCheckProgress StoreCheck::progress() const {
  const std::scoped_lock lock(mutex_);
  return progress_;
}

std::optional<std::string> StoreCheck::damage() const {
  if (auto met = store_.damage()) return met;
  const std::scoped_lock lock(mutex_);
  return found_;
}

}  // namespace gims::service
