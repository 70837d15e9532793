// The logs of what was measured, as firmware, systemd or whoever changed them has them: what is
// taken has bounds, words that no terminal obeys, and is what its sum accounts for.
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "hsm/attest/event_log.hpp"

namespace {

using namespace gims::hsm;          // NOLINT(google-build-using-namespace)
using namespace gims::hsm::attest;  // NOLINT(google-build-using-namespace)

void check(const MeasuredEvents& log) {
  GIMS_CHECK(log.events.size() <= max_log_events);
  std::array<Digest, quoted_pcr_count> sums{};
  sums[0].back() = log.startup_locality;
  std::array<std::size_t, quoted_pcr_count> counts{};
  for (const Event& event : log.events) {
    GIMS_CHECK(event.pcr < quoted_pcr_count);
    GIMS_CHECK(event.words.size() <= max_event_words + sizeof "variable ");
    for (const char c : event.words) GIMS_CHECK(c >= 0x20 && c < 0x7F);
    sums.at(event.pcr) = extended(sums.at(event.pcr), event.digest);
    ++counts.at(event.pcr);
  }
  for (std::uint8_t pcr = 0; pcr < quoted_pcr_count; ++pcr) {
    const auto measured = account(log, pcr, sums.at(pcr));
    GIMS_CHECK(measured && measured->size() == counts.at(pcr));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first byte chooses.
  if (size == 0) return 0;
  const BytesView rest(data + 1, size - 1);
  if (data[0] == 'u') {
    if (const auto events = parse_userspace_log(rest); events) {
      check({.events = *events, .startup_locality = 0});
    }
  } else if (const auto log = parse_firmware_log(rest); log) {
    check(*log);
  }
  return 0;
}
