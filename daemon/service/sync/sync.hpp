// GET /sync: replies at once where there is something to say, else when there is.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "service/policy.hpp"
#include "service/sync/assembly.hpp"
#include "service/sync/device_lists.hpp"
#include "service/sync/feed.hpp"
#include "service/sync/waiter.hpp"
#include "store/store.hpp"

namespace gims::service::sync {

struct SyncOptions {
  // Threads that answer those who were woken. 0: none; a test calls run_due() itself.
  unsigned workers = 2;
};

// Thread: all functions from any thread.
class Sync {
 public:
  // All outlive this object. The feed is a listener of the store and was started.
  Sync(store::Store& store, Feed& feed, const Policy& policy, const Clock& clock,
       SyncOptions options = {});
  Sync(const Sync&) = delete;
  Sync& operator=(const Sync&) = delete;
  ~Sync();  // as stop()

  // A request's name: with it the client's going is told.
  struct Ticket {
    std::string user_id;
    std::uint64_t id;
    std::shared_ptr<std::atomic<bool>> gone;
  };
  [[nodiscard]] Ticket ticket(std::string user_id);
  // Calls `reply` once, now or later, on this thread or a worker's. May read the store: not from a
  // loop's thread.
  void run(SyncRequest request, std::chrono::milliseconds timeout, const Ticket& ticket,
           Reply reply);
  // GET /keys/changes from `request.since` until now: a client that asks up to an earlier place is
  // told of more, never of less. Not from a loop's thread.
  [[nodiscard]] Result<DeviceLists> changed_devices(const SyncRequest& request) {
    return sync::changed_devices(store_, feed_, request);
  }
  // The client went before its reply.
  void gone(const Ticket& ticket);
  // One round of what the workers do, for tests with a clock of their own. Gives the number of
  // waits that it looked at.
  std::size_t run_due();
  // Ends all waits with an empty reply, then joins the workers. Later requests do not wait.
  void stop();

 private:
  void work();
  std::size_t handle(Feed::Work work);
  void wake(std::unique_ptr<Waiter> waiter);
  void attempt(std::unique_ptr<Waiter> waiter, bool first);
  void reply_empty(Waiter& waiter);
  void acknowledge(const SyncRequest& request);

  store::Store& store_;
  Feed& feed_;
  const Policy& policy_;
  const Clock& clock_;
  std::atomic<std::uint64_t> next_id_ = 1;
  std::vector<std::thread> workers_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace gims::service::sync
