#include "app/store_marks.hpp"

#include <utility>

#include "base/log.hpp"

namespace gims::app {

StoreMarks::StoreMarks(std::string keyd_socket, std::function<std::uint64_t()> position)
    : socket_(std::move(keyd_socket)), position_(std::move(position)) {}

Result<> StoreMarks::tell() {
  if (!client_) {
    GIMS_TRY_ASSIGN(client_, hsm::Client::connect(socket_));
  }
  return client_->mark_store({.position = position_()});
}

Result<> StoreMarks::begin() {
  GIMS_TRY(tell());
  thread_ = std::thread([this] { run(); });
  return {};
}

void StoreMarks::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    stop_asked_.wait_for(lock, pause, [this] { return stopping_; });
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
