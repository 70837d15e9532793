// What a service tells systemd (sd_notify(3)). Without NOTIFY_SOCKET in the environment these do
// nothing.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gims::sys {

void notify_ready() noexcept;
void notify_stopping() noexcept;
// One line for `systemctl status`; never a secret.
void notify_status(std::string_view line) noexcept;

// Tells systemd that the process lives, but only while each of its loops does. The thread that owns
// the watchdog calls tick() every period(); each loop beats its pulse once a turn. tick() pets only
// when every pulse has beaten since the last tick(), and then wakes every loop, so that an idle one
// beats too. A loop that hangs stops the petting, and systemd restarts the service after
// WatchdogSec.
class Watchdog {
 public:
  class Pulse {
   public:
    // Thread: the loop's.
    void beat() noexcept { beaten_.store(true, std::memory_order_relaxed); }

   private:
    friend class Watchdog;
    std::atomic<bool> beaten_{true};
    std::function<void()> wake_;
  };

  // Reads WATCHDOG_USEC and WATCHDOG_PID. Call before threads start.
  [[nodiscard]] static Watchdog from_environment() noexcept;
  // For tests, and for a service that has its own way to tell: `pet` is called instead of
  // sd_notify.
  Watchdog(std::optional<std::chrono::milliseconds> period, std::function<void()> pet);

  // How often tick() is to be called: a third of what systemd allows. Nothing: no watchdog is asked
  // for.
  [[nodiscard]] std::optional<std::chrono::milliseconds> period() const noexcept { return period_; }

  // `wake` makes the loop take a turn; it is called in tick(). The pulse lives as long as the
  // watchdog.
  [[nodiscard]] Pulse& add_loop(std::function<void()> wake);
  // True when it petted.
  bool tick();

 private:
  std::optional<std::chrono::milliseconds> period_;
  std::function<void()> pet_;
  std::vector<std::unique_ptr<Pulse>> pulses_;
};

}  // namespace gims::sys
