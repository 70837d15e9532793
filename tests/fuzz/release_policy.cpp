// The release's policy, which lies beside the image where anyone may write: whatever is taken is
// written as the same bytes.
#include "hsm/release/release_policy.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gims::hsm;  // NOLINT(google-build-using-namespace)
  const BytesView file(data, size);
  if (const auto policy = release::decode_policy(file); policy) {
    GIMS_CHECK(std::ranges::equal(release::encode_policy(*policy), file));
  }
  return 0;
}
