// The audit log as the site keeps it: entries for administrators, and a witness outside of the
// database, so that who can write the whole file still cannot cut the log or write another.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/audit.hpp"
#include "store/store.hpp"

namespace gims::service {

// Who keeps the log's newest entry outside of the database: gims-keyd. Called on the audit log's
// thread alone; each function may block, for a bounded time.
class AuditWitness {
 public:
  AuditWitness() = default;
  AuditWitness(const AuditWitness&) = delete;
  AuditWitness& operator=(const AuditWitness&) = delete;
  virtual ~AuditWitness() = default;
  // "operational", "locked: the TPM ...": for a person.
  [[nodiscard]] virtual Result<std::string> state() = 0;
  [[nodiscard]] virtual Result<store::AuditHead> head() = 0;
  // `conflict`: this head does not follow the one that is kept.
  [[nodiscard]] virtual Result<> extend(const store::AuditHead& head) = 0;

  // That the hardware certifies the newest entry: for keeping, JSON.
  struct Certificate {
    std::int64_t sequence = 0;
    std::string json;
  };
  [[nodiscard]] virtual Result<Certificate> certify() = 0;
};

enum class AuditStanding : std::uint8_t {
  unwitnessed,   // there is no witness (a test site)
  not_compared,  // the witness was not reached yet
  agrees,        // the witness's head is in the log
  broken,        // it is not, or the chain does not hold: entries were removed or changed
};
[[nodiscard]] std::string_view name_of(AuditStanding standing) noexcept;

struct AuditState {
  AuditStanding standing = AuditStanding::unwitnessed;
  std::int64_t sequence = 0;                // of the log's newest entry
  std::optional<std::int64_t> witnessed{};  // the newest entry that the witness is known to have
  std::string text{};                       // for a person
};

struct AuditEntry {
  std::int64_t sequence;
  Millis ts;
  std::string actor;
  std::string origin;
  std::string act;
  std::string target;
  std::string detail;  // a JSON object
  std::string hash;    // hex
};

struct AuditVerified {
  bool intact = false;
  bool witnessed = false;  // compared with the witness's head, too
  std::int64_t sequence = 0;
  std::string text;
};

// Register it with the store as a listener. On a thread of its own it compares the log with the
// witness, then sends every new head there; heads that come while one is on its way are one. A log
// that does not hold is told in the journal and in state(), and nothing is sent any more: messages
// are served all the same, since to stop them is what an attacker may want, and the evidence is
// kept. What the witness cannot take now is tried again every few seconds.
// Thread: any.
class AuditLog final : public store::ChangeListener {
 public:
  // How long to wait after a failure of the witness. Tests set less.
  static constexpr std::chrono::milliseconds default_pause{5000};
  // At most so often is the newest entry certified, as the hardware is slow; and at the stop.
  static constexpr std::chrono::milliseconds default_certify_pause{60'000};
  // `witness`: nothing where there is none; it outlives the log.
  explicit AuditLog(AuditWitness* witness,
                    std::chrono::milliseconds pause = default_pause) noexcept;
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;
  ~AuditLog() override;  // as stop()
  // Keeps the certificate of the newest entry that has one in this file, beside the log: what the
  // log has lost since is then found without gims-keyd, too. Before attach(); without, there is
  // none.
  void keep_certificate(std::string file,
                        std::chrono::milliseconds pause = default_certify_pause) noexcept;
  // Starts the thread. The store is opened with this listener in its list, so it comes second;
  // before anything is written.
  [[nodiscard]] Result<> attach(store::Store& store);
  // After the store has stopped: a head that is still on its way is sent, once. Idempotent.
  void stop();

  // Entries after `after`, oldest first.
  [[nodiscard]] Result<std::vector<AuditEntry>> page(std::int64_t after, std::int64_t limit);
  // Walks the whole chain and compares it with the witness's head. `unavailable` where the witness
  // cannot be reached, and when too many wait.
  void verify(std::move_only_function<void(Result<AuditVerified>)> done);
  [[nodiscard]] AuditState state() const;
  // As AuditWitness::certify() gave it. Nothing: no entry was certified yet.
  [[nodiscard]] Result<std::optional<std::string>> certificate() const;
  // What AuditWitness::state() gives; "none" where there is no witness.
  void ask_witness(std::move_only_function<void(Result<std::string>)> done);

  void committed(store::StreamId position,
                 std::span<const store::Change> changes) noexcept override;

 private:
  using Job = std::move_only_function<void(bool stopping)>;
  void enqueue(Job job, std::move_only_function<void(Error)> refused);
  void run();
  [[nodiscard]] bool owes() const noexcept;
  [[nodiscard]] bool owes_certificate() const noexcept;
  void settle(std::unique_lock<std::mutex>& lock);
  void certify(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] Result<> compare_with_witness();
  [[nodiscard]] Result<> send(const store::AuditHead& head);
  [[nodiscard]] Result<std::int64_t> store_certificate();
  [[nodiscard]] Result<AuditVerified> verify_now();
  void found_broken(std::string text);

  AuditWitness* const witness_;
  const std::chrono::milliseconds pause_;
  store::Store* store_ = nullptr;
  std::string certificate_file_;
  std::chrono::milliseconds certify_pause_{default_certify_pause};

  mutable std::mutex mutex_;
  std::condition_variable there_is_work_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  store::AuditHead newest_;  // of the log, as far as was heard
  std::optional<store::AuditHead> witnessed_;
  AuditStanding standing_;
  std::string text_;
  bool failing_ = false;  // the witness, at the last try
  std::chrono::steady_clock::time_point not_before_;
  std::int64_t certified_ = 0;  // the entry of the certificate that this process had made
  bool certifying_fails_ = false;
  std::chrono::steady_clock::time_point certify_not_before_;
  std::thread thread_;
};

}  // namespace gims::service
