// What the unit states about itself, for anybody who asks: bounded, since the hardware is slow and
// those who ask are strangers.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace gims::service {

using AttestationNonce = std::array<std::uint8_t, 32>;

// Who has the hardware state it: gims-keyd.
class AttestationSource {
 public:
  AttestationSource() = default;
  AttestationSource(const AttestationSource&) = delete;
  AttestationSource& operator=(const AttestationSource&) = delete;
  virtual ~AttestationSource() = default;
  // The evidence, JSON. On the attestation's thread alone; blocks for a bounded time.
  [[nodiscard]] virtual Result<std::string> attest(const AttestationNonce& nonce) = 0;
  // Makes a call under way, and every later one, fail soon. Any thread.
  virtual void cancel() noexcept = 0;
};

// One question after the other is put to the hardware, on a thread of its own. Strangers: six a
// minute over all, and as many wait as `most_waiting`; who asks with a nonce that waits, or was
// answered within a minute, shares that answer. Administrators go ahead of them and are not
// counted.
// Thread: any.
class Attestation {
 public:
  using Done = std::move_only_function<void(Result<std::shared_ptr<const std::string>>)>;

  static constexpr unsigned burst = 6;
  static constexpr std::chrono::seconds interval{10};  // until one more is allowed
  static constexpr std::size_t most_waiting = 4;       // nonces
  static constexpr std::size_t most_sharing = 32;      // who ask with the same one
  static constexpr std::size_t most_kept = 8;          // answers
  static constexpr std::chrono::seconds kept_for{60};

  // `source`: nothing where there is no hardware (a test site): then M_NOT_FOUND. Both outlive it.
  Attestation(AttestationSource* source, const Clock& clock);
  Attestation(const Attestation&) = delete;
  Attestation& operator=(const Attestation&) = delete;
  ~Attestation();  // as stop()

  // `rate_limited` where too many asked, `unavailable` where gims-keyd does not answer.
  void ask(const AttestationNonce& nonce, Done done);
  void ask_as_administrator(const AttestationNonce& nonce, Done done);
  [[nodiscard]] bool available() const noexcept { return source_ != nullptr; }
  // Whoever waits is told that the server stops. Idempotent.
  void stop();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Question {
    AttestationNonce nonce{};
    std::vector<Done> askers;
  };
  struct Kept {
    AttestationNonce nonce{};
    std::shared_ptr<const std::string> evidence;
    Time until;
  };
  void run();
  [[nodiscard]] std::shared_ptr<const std::string> kept(const AttestationNonce& nonce);
  [[nodiscard]] Question* waiting(const AttestationNonce& nonce);
  [[nodiscard]] Result<> take_turn();
  void keep(const AttestationNonce& nonce, std::shared_ptr<const std::string> evidence);

  AttestationSource* const source_;
  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable there_is_work_;
  std::deque<Question> questions_;  // the first is the one under way, if busy_
  bool busy_ = false;
  bool stopping_ = false;
  std::deque<Kept> kept_;
  Time full_at_;  // when `burst` are allowed again
  std::thread thread_;
};

}  // namespace gims::service
