#include "app/store_marks.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/thread_name.hpp"

namespace gims::app {
namespace {

// For what is told beside the serving, so that the end of gimsd does not wait long.
constexpr std::chrono::milliseconds patience{5000};

}  // namespace

StoreMarks::StoreMarks(std::string keyd_socket, std::function<std::uint64_t()> position)
    : socket_(std::move(keyd_socket)), position_(std::move(position)), keyd_(socket_, patience) {}

Result<> StoreMarks::begin(int stop_fd, std::uint64_t audit_entry) {
  {
    // Longer than gims-keyd may be busy with its TPM.
    GIMS_TRY_ASSIGN(const auto keyd,
                    hsm::Client::connect(socket_, hsm::Client::default_limit, {stop_fd}));
    GIMS_TRY(keyd->mark_store({.position = position_(), .audit_entry = audit_entry}));
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

Result<> StoreMarks::tell() {
  GIMS_TRY_ASSIGN(hsm::Client* const keyd, keyd_.client());
  return keyd->mark_store({.position = position_(), .audit_entry = {}});
}

void StoreMarks::run() {
  name_this_thread("marks");
  std::unique_lock lock(mutex_);
  for (bool last = false; !last;) {
    last = stop_asked_.wait_for(lock, pause, [this] { return stopping_; });
    lock.unlock();
    if (const auto told = tell(); !told) {
      log::failure(log::id::store_not_marked, "gims-keyd was not told how far the database is",
                   told.error());
    }
    lock.lock();
  }
}

void StoreMarks::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  stop_asked_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace gims::app
