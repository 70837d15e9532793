// The firmware's and the boot loader's log. Numbers are little-endian.
#include <algorithm>
#include <string_view>
#include <utility>

#include "hsm/attest/event_log.hpp"
#include "hsm/proto/bytes.hpp"

namespace gims::hsm::attest {
namespace {

constexpr std::uint16_t algorithm_sha1 = 0x0004;
constexpr std::uint16_t algorithm_sha256 = 0x000B;
// Of the profile's table of event types.
constexpr std::uint32_t no_action = 0x03;
constexpr std::uint32_t separator = 0x04;
constexpr std::uint32_t action = 0x05;
constexpr std::uint32_t s_crtm_version = 0x08;
constexpr std::uint32_t ipl = 0x0D;
constexpr std::uint32_t efi_variable_driver_config = 0x8000'0001;
constexpr std::uint32_t efi_variable_boot = 0x8000'0002;
constexpr std::uint32_t efi_boot_services_application = 0x8000'0003;
constexpr std::uint32_t efi_action = 0x8000'0007;
constexpr std::uint32_t efi_variable_boot2 = 0x8000'000C;
constexpr std::uint32_t efi_variable_authority = 0x8000'00E0;

constexpr std::string_view description_signature{"Spec ID Event03\0", 16};
constexpr std::string_view locality_signature{"StartupLocality\0", 16};
constexpr std::size_t most_algorithms = 16;
constexpr std::size_t most_digest = 64;
constexpr std::size_t sha1_size = 20;

std::unexpected<Error> refused(std::string_view text) {
  return fail(ErrorKind::bad_input, "GIMS_ATTEST_LOG", text);
}

// As hsm::Reader, of the other order of bytes.
class LittleReader {
 public:
  explicit LittleReader(BytesView bytes) noexcept : reader_(bytes) {}

  BytesView raw(std::size_t size) noexcept { return reader_.raw(size); }
  std::uint64_t number(std::size_t size) noexcept {
    std::uint64_t value = 0;
    const BytesView bytes = raw(size);
    for (std::size_t i = bytes.size(); i-- > 0;) value = (value << 8U) | bytes[i];
    return value;
  }
  std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number(4)); }

  [[nodiscard]] bool good() const noexcept { return reader_.good(); }
  // Whole, and without a failure.
  [[nodiscard]] bool finish() const noexcept { return reader_.finish(); }

 private:
  Reader reader_;
};

// Printable ASCII of UTF-16 or of bytes, up to a zero.
std::string printable(BytesView bytes, std::size_t width) {
  std::string words;
  for (std::size_t i = 0; i + width <= bytes.size() && words.size() < max_event_words; i += width) {
    const std::uint8_t low = bytes[i];
    const bool high = width == 2 && bytes[i + 1] != 0;
    if (low == 0 && !high) break;
    words.push_back(!high && low >= 0x20 && low < 0x7F ? static_cast<char>(low) : '?');
  }
  return words;
}

// UEFI_VARIABLE_DATA: a GUID, the name's length in characters, the data's in bytes, the name.
std::string variable_name(BytesView data) {
  LittleReader reader(data);
  reader.raw(16);
  const std::uint64_t characters = reader.number(8);
  reader.number(8);
  if (!reader.good() || characters > max_event_words) return {};
  return printable(reader.raw(2 * static_cast<std::size_t>(characters)), 2);
}

std::string words_of(std::uint32_t type, BytesView data) {
  switch (type) {
    case separator:
      return "separator";
    case action:
    case efi_action:
      return printable(data, 1);
    case s_crtm_version:
      return "version of the firmware";
    case ipl:
      return printable(data, 2);
    case efi_variable_driver_config:
    case efi_variable_boot:
    case efi_variable_boot2:
    case efi_variable_authority:
      return "variable " + variable_name(data);
    case efi_boot_services_application:
      return "program that the firmware started";
    default:
      return "event of type " + std::to_string(type);
  }
}

struct Algorithm {
  std::uint16_t id = 0;
  std::size_t digest_size = 0;
};

// TCG_EfiSpecIDEvent, the log's first: which digests each event has.
Result<std::vector<Algorithm>> read_description(LittleReader& log) {
  const std::uint32_t pcr = log.u32();
  const std::uint32_t type = log.u32();
  log.raw(sha1_size);
  LittleReader event(log.raw(log.u32()));
  const std::string_view signature = text_of(event.raw(description_signature.size()));
  event.raw(8);  // class of the platform, version, width of its numbers
  const std::uint32_t count = event.u32();
  if (!event.good() || pcr != 0 || type != no_action || signature != description_signature ||
      count == 0 || count > most_algorithms) {
    return refused("The firmware's event log does not begin as a crypto-agile one.");
  }
  std::vector<Algorithm> algorithms;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint16_t id = event.u16();
    algorithms.push_back({.id = id, .digest_size = event.u16()});
    const std::size_t size = algorithms.back().digest_size;
    if (size == 0 || size > most_digest || (id == algorithm_sha256 && size != Digest{}.size()) ||
        (id == algorithm_sha1 && size != sha1_size)) {
      return refused("The firmware's event log has digests of a wrong size.");
    }
  }
  event.raw(static_cast<std::size_t>(event.number(1)));  // of the vendor
  if (!event.finish()) {
    return refused("The firmware's event log describes itself wrongly.");
  }
  if (!std::ranges::contains(algorithms, algorithm_sha256, &Algorithm::id)) {
    return refused("The firmware's event log has no SHA-256 digests.");
  }
  return algorithms;
}

struct RawEvent {
  std::uint32_t pcr = 0;
  std::uint32_t type = 0;
  std::optional<Digest> digest;
  BytesView data;
};

Result<RawEvent> read_event(LittleReader& log, const std::vector<Algorithm>& algorithms) {
  RawEvent event;
  event.pcr = log.u32();
  event.type = log.u32();
  const std::uint32_t count = log.u32();
  if (!log.good() || count > algorithms.size()) {
    return refused("An event of the firmware's log is malformed.");
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto known = std::ranges::find(algorithms, log.u16(), &Algorithm::id);
    if (known == algorithms.end()) {
      return refused("An event of the firmware's log has a digest of an unknown kind.");
    }
    const BytesView digest = log.raw(known->digest_size);
    if (known->id != algorithm_sha256 || !log.good()) continue;
    if (event.digest) return refused("An event of the firmware's log has two digests of a kind.");
    std::ranges::copy(digest, event.digest.emplace().begin());
  }
  event.data = log.raw(log.u32());
  if (!log.good()) return refused("The firmware's event log is cut.");
  return event;
}

}  // namespace

Result<MeasuredEvents> parse_firmware_log(BytesView bytes) {
  MeasuredEvents log;
  LittleReader reader(bytes);
  GIMS_TRY_ASSIGN(const std::vector<Algorithm> algorithms, read_description(reader));
  while (!reader.finish()) {
    GIMS_TRY_ASSIGN(const RawEvent event, read_event(reader, algorithms));
    if (event.type == no_action) {
      // Told and not measured.
      const bool locality = event.data.size() == locality_signature.size() + 1 &&
                            text_of(event.data).starts_with(locality_signature);
      if (locality) log.startup_locality = event.data.back();
      continue;
    }
    if (!event.digest) return refused("An event of the firmware's log has no SHA-256 digest.");
    if (event.pcr >= quoted_pcr_count) continue;
    if (log.events.size() == max_log_events) {
      return refused("The firmware's event log has too many events.");
    }
    log.events.push_back({.pcr = static_cast<std::uint8_t>(event.pcr),
                          .digest = *event.digest,
                          .words = words_of(event.type, event.data)});
  }
  return log;
}

}  // namespace gims::hsm::attest
