#include "sys/notify.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>

namespace gims::sys {
namespace {

// A failed notification has no one to tell; systemd's own timeouts then act.
void tell(const std::string& state) noexcept { static_cast<void>(::sd_notify(0, state.c_str())); }

}  // namespace

void notify_ready() noexcept { tell("READY=1"); }
void notify_stopping() noexcept { tell("STOPPING=1"); }

void notify_status(std::string_view line) noexcept {
  std::string state = "STATUS=" + std::string(line);
  // A line break would start another assignment.
  std::ranges::replace(state, '\n', ' ');
  tell(state);
}

Watchdog Watchdog::from_environment() noexcept {
  std::uint64_t usec = 0;
  if (::sd_watchdog_enabled(0, &usec) <= 0) return {std::nullopt, [] {}};
  const std::chrono::milliseconds allowed(usec / 1000);
  // Two ticks may come late: a loop that is idle beats only after the tick that woke it.
  return {std::max(allowed / 3, std::chrono::milliseconds(1)), [] { tell("WATCHDOG=1"); }};
}

Watchdog::Watchdog(std::optional<std::chrono::milliseconds> period, std::function<void()> pet)
    : period_(period), pet_(std::move(pet)) {}

Watchdog::Pulse& Watchdog::add_loop(std::function<void()> wake) {
  auto& pulse = pulses_.emplace_back(std::make_unique<Pulse>());
  pulse->wake_ = std::move(wake);
  return *pulse;
}

bool Watchdog::tick() {
  bool alive = true;
  for (const auto& pulse : pulses_) {
    // A pulse that has beaten is asked again; one that has not stays asked, and holds the petting
    // back.
    if (!pulse->beaten_.exchange(false, std::memory_order_relaxed)) alive = false;
    pulse->wake_();
  }
  if (alive) pet_();
  return alive;
}

}  // namespace gims::sys
