// Tells gims-keyd how far the database is, so that an older copy of it is noticed at the next
// start.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "app/keyd_link.hpp"
#include "base/result.hpp"

namespace gims::app {

// What is told is on the disk before: a copy that lacks at most the last minute's messages, and no
// act of an administrator, is not noticed. Thread: one; it has one of its own.
class StoreMarks {
 public:
  static constexpr std::chrono::seconds pause{60};

  // `position`: of what the store has committed; any thread, as long as this lives.
  StoreMarks(std::string keyd_socket, std::function<std::uint64_t()> position);
  StoreMarks(const StoreMarks&) = delete;
  StoreMarks& operator=(const StoreMarks&) = delete;
  ~StoreMarks() { stop(); }

  // Before anybody is served: fails where the database is an older copy (GIMS_KEYD_OLDER), and
  // where gims-keyd cannot be asked. Then goes on telling. `audit_entry`: the number of the audit
  // log's newest. Gives up at once while `stop_fd` is readable.
  [[nodiscard]] Result<> begin(int stop_fd, std::uint64_t audit_entry);
  // After the store's last commit: tells the last position. Waits for gims-keyd some seconds at
  // most. Idempotent.
  void stop();

 private:
  [[nodiscard]] Result<> tell();
  void run();

  const std::string socket_;
  const std::function<std::uint64_t()> position_;
  KeydLink keyd_;
  std::mutex mutex_;
  std::condition_variable stop_asked_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gims::app
