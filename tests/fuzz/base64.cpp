// Base64 in both alphabets, strict and with leftover bits, and hex: what is taken strictly has no
// other spelling than its own, with or without padding.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "crypto/bytes.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gims::crypto;  // NOLINT(google-build-using-namespace)
  const ByteView bytes(data, size);
  const std::string_view text = as_text(bytes);
  for (const Alphabet alphabet : {Alphabet::standard, Alphabet::url_safe}) {
    const auto strict = from_base64(text, alphabet);
    const auto lax = from_base64(text, alphabet, Leftover::ignored);
    GIMS_CHECK(!strict || (lax && *lax == *strict));
    if (strict) {
      const std::string_view unpadded = text.substr(0, text.find_last_not_of('=') + 1);
      GIMS_CHECK(base64(*strict, alphabet) == unpadded);
    }
    const auto whole = from_base64(base64(bytes, alphabet), alphabet);
    GIMS_CHECK(whole && std::ranges::equal(*whole, bytes));
  }
  if (const auto binary = from_hex(text); binary) GIMS_CHECK(binary->size() * 2 == text.size());
  const auto whole = from_hex(hex(bytes));
  GIMS_CHECK(whole && std::ranges::equal(*whole, bytes));
  return 0;
}
