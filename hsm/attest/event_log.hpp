// The events that were measured into PCRs, as logs tell them: hostile bytes until the PCRs that a
// TPM signed show that these events, in this order, were measured (account()). What an event is
// called is never shown by anything, and is for a person alone.
// Errors: bad_input, GIMS_ATTEST_LOG.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "hsm/ca/sha256.hpp"
#include "hsm/proto/attest_messages.hpp"

namespace gims::hsm::attest {

inline constexpr std::size_t max_log_events = 4096;
inline constexpr std::size_t max_event_words = 160;

struct Event {
  std::uint8_t pcr = 0;  // below quoted_pcr_count
  Digest digest{};       // SHA-256: what was measured
  std::string words;     // what the log calls it; printable ASCII
};

struct MeasuredEvents {
  std::vector<Event> events;
  // PCR 0 begins with it in its last byte where the firmware says so (StartupLocality).
  std::uint8_t startup_locality = 0;
};

// The crypto-agile log of the TCG PC Client Platform Firmware Profile, section 10: little-endian,
// TCG_PCR_EVENT with the log's own description first, then TCG_PCR_EVENT2. Needs SHA-256 digests;
// events of later PCRs are left out.
[[nodiscard]] Result<MeasuredEvents> parse_firmware_log(BytesView log);
// systemd's log (TCG canonical event log, JSON): texts of JSON, each between a record separator and
// a line feed (RFC 7464).
[[nodiscard]] Result<std::vector<Event>> parse_userspace_log(BytesView log);

// What a PCR holds after one more event.
[[nodiscard]] Digest extended(const Digest& value, const Digest& digest) noexcept;

// Those of the events of one PCR, in their order, that sum up to `value`: all that was measured
// into it. What the log has beyond them came later. Nothing: no beginning of the log does.
[[nodiscard]] std::optional<std::vector<Event>> account(const MeasuredEvents& log, std::uint8_t pcr,
                                                        const Digest& value);

}  // namespace gims::hsm::attest
