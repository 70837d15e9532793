// What two administrators decide, as far as it is gimsd's: gims-keyd verifies them, gimsd carries
// out what they decided about accounts, and keeps in its audit log what gims-keyd did.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "service/accounts/users.hpp"
#include "store/store.hpp"

namespace gims::service {

// An act of gims-keyd's, for the audit log.
struct KeydAct {
  std::uint64_t id = 0;
  Millis ts = 0;
  std::string actor;
  std::string act;
  std::string target;
  std::string text;
};

// gims-keyd. Called on the thread of TwoPersons alone; each function may block, for a bounded time.
class KeydDecisions {
 public:
  KeydDecisions() = default;
  KeydDecisions(const KeydDecisions&) = delete;
  KeydDecisions& operator=(const KeydDecisions&) = delete;
  virtual ~KeydDecisions() = default;
  // The names of the two who approved that this account may replace its identity. Once: it fails
  // for a number that was asked for before.
  [[nodiscard]] virtual Result<std::vector<std::string>> redeem_identity_reset(
      std::uint32_t approval, std::string_view user_id) = 0;
  struct Acts {
    std::vector<KeydAct> acts;  // oldest first
    std::uint64_t lost = 0;
  };
  // Those that follow the act `taken`, which with all before it is forgotten; 0: all.
  [[nodiscard]] virtual Result<Acts> acts(std::uint64_t taken) = 0;
};

// On a thread of its own it takes gims-keyd's acts into the audit log every few seconds, each once:
// which was the last is stored with it. Thread: any.
class TwoPersons {
 public:
  static constexpr std::chrono::milliseconds default_pause{5000};
  // How long an account may replace its identity after two allowed it.
  static constexpr std::chrono::milliseconds permission{std::chrono::hours(1)};

  // `keyd`: nothing where there is none (a test site); it outlives this.
  explicit TwoPersons(KeydDecisions* keyd, std::chrono::milliseconds pause = default_pause) noexcept
      : keyd_(keyd), pause_(pause) {}
  TwoPersons(const TwoPersons&) = delete;
  TwoPersons& operator=(const TwoPersons&) = delete;
  ~TwoPersons();  // as stop()
  // Starts the thread. The store outlives it.
  [[nodiscard]] Result<> attach(store::Store& store);
  // Before the store stops. What waits is answered with `unavailable`. Idempotent.
  void stop();

  // Two administrators approved it under this number of gims-keyd's: from now on, for an hour, the
  // account may replace its encrypted identity, once. M_NOT_FOUND; M_FORBIDDEN for a deactivated
  // account, and with gims-keyd's words where no two approved exactly this. The permission goes
  // with the answer: where the store fails then, two have to approve again.
  void reset_identity(std::string user_id, std::uint32_t approval, Actor actor,
                      std::move_only_function<void(Result<>)> done);

 private:
  using Job = std::move_only_function<void(bool stopping)>;
  void run();
  void take_acts();
  [[nodiscard]] Result<bool> take_some();
  [[nodiscard]] Result<> store_acts(const std::vector<KeydAct>& acts, std::uint64_t lost);
  [[nodiscard]] Result<> reset_now(const std::string& user_id, std::uint32_t approval,
                                   const Actor& actor);

  KeydDecisions* const keyd_;
  const std::chrono::milliseconds pause_;
  store::Store* store_ = nullptr;
  // Of the thread alone:
  std::uint64_t taken_ = 0;
  bool failing_ = false;

  std::mutex mutex_;
  std::condition_variable there_is_work_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gims::service
