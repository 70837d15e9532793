// The words of recovery shares as people type them, and the numbers in shares whose checksum is
// good: what is taken is written as the same share, and whatever comes together gives a secret or
// an error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "hsm/slip39/collector.hpp"
#include "hsm/slip39/rs1024.hpp"

namespace {

using namespace gims::hsm::slip39;  // NOLINT(google-build-using-namespace)

void typed(std::string_view text) {
  const auto share = decode(text);
  if (!share) {
    GIMS_CHECK(share.error().kind == gims::ErrorKind::bad_input);
    return;
  }
  const auto written = encode(*share);
  GIMS_CHECK(written);
  const auto again = decode(written->reveal());
  GIMS_CHECK(again && same_share(*again, *share));
}

// The bytes as shares of 20 words each, two bytes a word; the checksums are made.
void numbered(std::span<const std::uint8_t> bytes) {
  constexpr std::size_t own_words = min_words - checksum_words;
  constexpr std::size_t most = 4;
  Collector collector;
  for (std::size_t i = 0; i < most && bytes.size() >= 2 * own_words; ++i) {
    auto numbers = *WordNumbers::zeroed(min_words);
    for (std::size_t word = 0; word < own_words; ++word) {
      numbers.set(word, ((std::uint32_t{bytes[2 * word]} << 8U) | bytes[2 * word + 1]) & 0x3ffU);
    }
    // The fewest iterations, as the time is not what is looked at.
    numbers.set(1, numbers.at(1) & 0x3f0U);
    write_checksum(numbers, (numbers.at(1) & 0x10U) != 0);
    bytes = bytes.subspan(2 * own_words);
    const auto text = text_of(numbers);
    GIMS_CHECK(text);
    typed(text->reveal());
    static_cast<void>(collector.add(text->reveal()));
  }
  const auto secret = collector.done({});
  if (collector.complete()) {
    GIMS_CHECK(secret ? secret->size() == min_secret : secret.error().code == "GIMS_SLIP39_DIGEST");
  } else {
    GIMS_CHECK(!secret && secret.error().code == "GIMS_SLIP39_QUORUM");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first byte chooses.
  if (size == 0) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  if (data[0] != 'n') {
    typed({reinterpret_cast<const char*>(rest.data()), rest.size()});
  } else {
    numbered(rest);
  }
  return 0;
}
