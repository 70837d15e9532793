// Checks of the whole store for damage: when an administrator asks, and by itself a minute after
// the start and once a week, since a page that rots is read by nobody for months.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/media.hpp"
#include "store/check.hpp"
#include "store/store.hpp"

namespace gims::service {

struct StoreCheckProgress {
  bool running = false;
  std::string step;
  std::int64_t done = 0;
  std::int64_t of = 0;  // 0: not known
};

// On a thread of its own, one check at a time. Thread: any.
class StoreCheck {
 public:
  struct Times {
    std::chrono::milliseconds first = std::chrono::minutes(1);
    std::chrono::milliseconds interval = std::chrono::hours(24 * 7);
  };
  // `store` and `media` live longer. Starts the thread.
  StoreCheck(store::Store& store, Media& media, Times times);
  StoreCheck(store::Store& store, Media& media) : StoreCheck(store, media, Times{}) {}
  StoreCheck(const StoreCheck&) = delete;
  StoreCheck& operator=(const StoreCheck&) = delete;
  ~StoreCheck();  // as stop()

  // Store::check and Media::check; seconds to minutes. `conflict` while one is running. `done` runs
  // on the check's thread.
  using Done = std::move_only_function<void(Result<store::Faults>)>;
  void run(bool full, Done done);
  [[nodiscard]] StoreCheckProgress progress() const;
  // What is known to be damaged, for a person: what a statement met, or the last check found.
  [[nodiscard]] std::optional<std::string> damage() const;
  // Ends the check that is running. Before the store stops. Idempotent.
  void stop();

 private:
  void work();
  [[nodiscard]] Result<store::Faults> check(bool full);
  void note(const Result<store::Faults>& found, bool full);
  [[nodiscard]] bool tell(const store::CheckProgress& progress);

  store::Store& store_;
  Media& media_;
  const Times times_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  bool full_ = false;
  Done asked_;
  StoreCheckProgress progress_;
  std::optional<std::string> found_;
  bool found_by_full_ = false;
  std::thread thread_;
};

}  // namespace gims::service
