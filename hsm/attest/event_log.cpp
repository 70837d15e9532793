#include "hsm/attest/event_log.hpp"

namespace gims::hsm::attest {

Digest extended(const Digest& value, const Digest& digest) noexcept {
  return sha256({value, digest});
}

std::optional<std::vector<Event>> account(const MeasuredEvents& log, std::uint8_t pcr,
                                          const Digest& value) {
  Digest sum{};
  if (pcr == 0) sum.back() = log.startup_locality;
  std::vector<Event> measured;
  if (sum == value) return measured;
  for (const Event& event : log.events) {
    if (event.pcr != pcr) continue;
    sum = extended(sum, event.digest);
    measured.push_back(event);
    if (sum == value) return measured;
  }
  return std::nullopt;
}

}  // namespace gims::hsm::attest
