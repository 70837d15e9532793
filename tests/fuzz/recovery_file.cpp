// The recovery file, as somebody brings it to a ceremony. Whatever the decoder takes, the encoder
// writes as the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "hsm/core/recovery.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gims::hsm::BytesView file(data, size);
  if (const auto record = gims::hsm::decode_recovery(file); record) {
    const auto again = gims::hsm::encode_recovery(*record);
    GIMS_CHECK(again.has_value() && std::ranges::equal(*again, file));
  }
  return 0;
}
