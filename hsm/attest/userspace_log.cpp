// systemd's log: what was measured after the kernel took over.
#include <algorithm>
#include <string_view>
#include <utility>

#include "crypto/bytes.hpp"
#include "hsm/attest/event_log.hpp"
#include "json/value.hpp"

namespace gims::hsm::attest {
namespace {

constexpr char record_separator = '\x1e';
constexpr json::Limits limits{.max_bytes = 16 * 1024, .max_values = 256, .max_depth = 8};

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_ATTEST_LOG", text);
}

std::optional<Digest> sha256_of(json::Value digests) {
  std::optional<Digest> found;
  for (const json::Value each : digests.array()) {
    if (each.get("hashAlg").string_or("") != "sha256") continue;
    if (found) return std::nullopt;
    found = crypto::array_from_hex<sizeof(Digest)>(each.get("digest").string_or(""));
    if (!found) return std::nullopt;
  }
  return found;
}

std::string words_of(json::Value content) {
  std::string words(content.get("eventType").string_or("event"));
  if (const auto text = content.get("string").as_string()) {
    words += " ";
    words += *text;
  }
  words.resize(std::min(words.size(), max_event_words));
  for (char& c : words) {
    if (c < 0x20 || c >= 0x7F) c = '?';
  }
  return words;
}

}  // namespace

Result<std::vector<Event>> parse_userspace_log(BytesView log) {
  std::vector<Event> events;
  std::string_view rest = crypto::as_text(log);
  while (!rest.empty()) {
    if (!rest.starts_with(record_separator)) {
      return refused("The log of systemd's measurements is not a sequence of records.");
    }
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find(record_separator), rest.size());
    auto record = json::Document::parse(rest.substr(0, end), limits);
    rest.remove_prefix(end);
    if (!record || !record->root().is_object()) {
      return refused("A record of systemd's measurements is malformed, or was cut.");
    }
    // Measured into an index of the TPM instead of a PCR.
    if (!record->root().get("pcr").valid()) continue;
    const std::int64_t pcr = record->root().get("pcr").int_or(-1);
    const auto digest = sha256_of(record->root().get("digests"));
    if (pcr < 0 || !digest) {
      return refused("A record of systemd's measurements has no PCR, or no SHA-256 digest.");
    }
    if (std::cmp_greater_equal(pcr, quoted_pcr_count)) continue;
    if (events.size() == max_log_events) {
      return refused("The log of systemd's measurements has too many records.");
    }
    events.push_back({.pcr = static_cast<std::uint8_t>(pcr),
                      .digest = *digest,
                      .words = words_of(record->root().get("content"))});
  }
  return events;
}

}  // namespace gims::hsm::attest
