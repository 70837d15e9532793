// gims-keyd, as the console needs it: who the administrators are, and what two of them decide.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "hsm/approval/registry.hpp"
#include "hsm/proto/approval_messages.hpp"

namespace gims::service::console {

// Called on the thread of Keyd alone; each function may block, for a bounded time.
class KeydApprovals {
 public:
  KeydApprovals() = default;
  KeydApprovals(const KeydApprovals&) = delete;
  KeydApprovals& operator=(const KeydApprovals&) = delete;
  virtual ~KeydApprovals() = default;
  [[nodiscard]] virtual Result<hsm::approval::Registry> administrators() = 0;
  [[nodiscard]] virtual Result<hsm::ProposalReply> propose(const hsm::ProposeRequest& request) = 0;
  [[nodiscard]] virtual Result<std::vector<hsm::ProposalReply>> proposals() = 0;
  [[nodiscard]] virtual Result<hsm::ApproveReply> approve(const hsm::ApproveRequest& request) = 0;
  [[nodiscard]] virtual Result<> withdraw(std::uint32_t id) = 0;
};

// Asks on a thread of its own, and every few seconds who the administrators are: a role that was
// taken away in gims-keyd is gone here within that time, and at once where it was decided here.
// Thread: any.
class Keyd {
 public:
  static constexpr std::chrono::milliseconds default_pause{5000};
  static constexpr std::size_t most_jobs = 16;

  // `approvals`: nothing where there is no gims-keyd (a test site), and so nobody signs in; it
  // outlives this.
  explicit Keyd(KeydApprovals* approvals, std::chrono::milliseconds pause = default_pause) noexcept
      : approvals_(approvals), pause_(pause) {}
  Keyd(const Keyd&) = delete;
  Keyd& operator=(const Keyd&) = delete;
  ~Keyd();  // as stop()
  void start();
  // What waits is answered with `unavailable`. Idempotent.
  void stop();

  // As gims-keyd said last.
  [[nodiscard]] std::optional<hsm::approval::Administrator> find(std::string_view name);
  [[nodiscard]] std::vector<hsm::approval::Administrator> all();

  // Runs `job` on the thread, with gims-keyd; afterwards the administrators are asked for anew. It
  // gets an error (unavailable) instead where 16 jobs wait already, at the end, and where there is
  // no gims-keyd; then perhaps on the caller's thread.
  using Job = std::move_only_function<void(Result<KeydApprovals*>)>;
  void ask(Job job);

 private:
  void run();
  void refresh();

  KeydApprovals* const approvals_;
  const std::chrono::milliseconds pause_;
  bool failing_ = false;  // of the thread alone

  std::mutex mutex_;
  std::condition_variable there_is_work_;
  hsm::approval::Registry registry_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gims::service::console
